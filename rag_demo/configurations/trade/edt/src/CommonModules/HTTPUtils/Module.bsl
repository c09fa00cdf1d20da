#Region Public

// Sends a GET request and retries on network errors and on 5xx answers.
//
// Parameters:
//  Address - String - full address, for example "https://shop.example/api/ping".
//  Headers - Map - request headers.
//  Attempts - Number - how many times to try, at least once.
//
// Returns:
//  Structure:
//   * StatusCode - Number
//   * Body - String - UTF-8 text of the answer.
//
Function GetWithRetry(Address, Headers = Undefined, Attempts = 3) Export

	Parts = SplitAddress(Address);
	LastError = "";
	For Attempt = 1 To Max(Attempts, 1) Do
		Try
			Connection = New HTTPConnection(Parts.Host, Parts.Port, , , , 15, Parts.SecureConnection);
			Request = New HTTPRequest(Parts.Path, ?(Headers = Undefined, New Map, Headers));
			Response = Connection.Get(Request);
			If Response.StatusCode < 500 Then
				Return New Structure("StatusCode, Body", Response.StatusCode, Response.GetBodyAsString("UTF-8"));
			EndIf;
			LastError = "HTTP " + Response.StatusCode;
		Except
			LastError = BriefErrorDescription(ErrorInfo());
		EndTry;
	EndDo;

	Raise StrTemplate(NStr("ru = 'Сервер %1 не отвечает: %2'; en = 'Server %1 does not respond: %2'"), Parts.Host, LastError);

EndFunction

// Splits an address into host, port and path.
//
// Parameters:
//  Address - String
//
// Returns:
//  Structure - Host, Port, Path, SecureConnection (Undefined for plain http).
//
Function SplitAddress(Val Address) Export

	Result = New Structure("Host, Port, Path, SecureConnection", "", 80, "/", Undefined);
	If StrStartsWith(Lower(Address), "https://") Then
		Result.Port = 443;
		Result.SecureConnection = New OpenSSLSecureConnection;
	EndIf;

	Address = StrReplace(StrReplace(Address, "https://", ""), "http://", "");
	Slash = StrFind(Address, "/");
	If Slash > 0 Then
		Result.Path = Mid(Address, Slash);
		Address = Left(Address, Slash - 1);
	EndIf;
	Colon = StrFind(Address, ":");
	If Colon > 0 Then
		Result.Port = Number(Mid(Address, Colon + 1));
		Address = Left(Address, Colon - 1);
	EndIf;
	Result.Host = Address;
	Return Result;

EndFunction

// JSON text from a structure, array or map.
Function ToJSON(Value) Export

	Writer = New JSONWriter;
	Writer.SetString(New JSONWriterSettings(JSONLineBreak.None));
	WriteJSON(Writer, Value);
	Return Writer.Close();

EndFunction

// Value from JSON text; objects become maps, so that keys may hold any symbols.
Function FromJSON(Text) Export

	Reader = New JSONReader;
	Reader.SetString(Text);
	Value = ReadJSON(Reader, True);
	Reader.Close();
	Return Value;

EndFunction

#EndRegion
