using System.Text.RegularExpressions;

namespace Sluice.Dashboard.Tests;

/// <summary>Asks for pages and posts forms, with cookies of its own. It follows no redirection.</summary>
internal sealed partial class Viewer : IDisposable
{
    private readonly string root;

    public Viewer(string root, params (string Name, string Value)[] headers)
    {
        this.root = root;
        Client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, CookieContainer = new() })
        {
            Timeout = TimeSpan.FromMinutes(2)
        };
        foreach ((string name, string value) in headers) Client.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
    }

    public HttpClient Client { get; }

    /// <summary>Gets an address below the dashboard's, as it is written.</summary>
    public Task<Answer> GetAsync(string path) => SendAsync(new(HttpMethod.Get, Address(path)));

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, IEnumerable<string> values) in answer.Headers.Concat(answer.Content.Headers))
            headers[name] = string.Join(", ", values);
        return new(answer.StatusCode, text, headers);
    }

    /// <summary>Returns the token of this viewer's forms.</summary>
    public async Task<string> TokenAsync(string page)
        => TokenOf((await GetAsync(page)).Text) ?? throw new InvalidOperationException($"The page {page} has no form with a token.");

    /// <summary>Returns the token of a page's forms; null if it has none.</summary>
    public static string? TokenOf(string text) => Token().Match(text) is { Success: true } found ? found.Groups[1].Value : null;

    /// <summary>Posts a form with the viewer's token, which is taken from a page with forms.</summary>
    public async Task<Answer> PostAsync(string path, string page, params (string Name, string Value)[] fields)
        => await PostRawAsync(path, [("form-token", await TokenAsync(page)), .. fields]);

    /// <summary>Posts a form with these fields only.</summary>
    public Task<Answer> PostRawAsync(string path, (string Name, string Value)[] fields, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Address(path))
        {
            Content = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)))
        };
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return SendAsync(request);
    }

    public Uri Address(string path)
        => new(root + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    public void Dispose() => Client.Dispose();

    [GeneratedRegex("name=\"form-token\" value=\"([0-9A-F]+)\"")]
    private static partial Regex Token();
}

/// <summary>An answer of the dashboard.</summary>
internal sealed record Answer(HttpStatusCode Status, string Text, IReadOnlyDictionary<string, string> Headers);
