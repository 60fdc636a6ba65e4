using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace Sluice.Samples.Tests.Payments;

/// <summary>The sample as a server in its own directory, which tests kill, stop and start again over one store.</summary>
internal sealed class PaymentsServer : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("payments-");
    private SampleProcess? process;
    private HttpClient? http;

    public string Store => Path.Combine(directory.FullName, "payments.db");

    public string Ledger => Store + ".ledger.csv";

    /// <summary>The address that receives payments over TCP.</summary>
    public IPEndPoint? Tcp { get; private set; }

    /// <summary>The address that receives payments over HTTP.</summary>
    public Uri Address => http!.BaseAddress!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts the server and waits until it listens.</summary>
    public async Task StartAsync(params string[] more)
    {
        Drop();
        process = SampleProcess.Start("Payments", directory.FullName,
            ["--serve", "--urls", "http://127.0.0.1:0", "--store", $"sqlite:{Store}", .. more]);
        string line = await process.ReadUntilAsync(line =>
        {
            if (line.StartsWith("tcp ", StringComparison.Ordinal)) Tcp = IPEndPoint.Parse(line[4..].Trim());
            return line.StartsWith("listening ", StringComparison.Ordinal);
        });
        http = new() { BaseAddress = new(line.Split(' ')[1]) };
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        process!.Kill();
        await process.EndAsync();
    }

    /// <summary>SIGTERM.</summary>
    public async Task<Ended> StopAsync()
    {
        await process!.SignalAsync("TERM");
        return await process.EndAsync();
    }

    /// <summary>Locks the store file until disposed, like a program with a long write.</summary>
    public async Task<IAsyncDisposable> LockAsync()
    {
        var connection = new SqliteConnection($"Data Source={Store};Pooling=False");
        await connection.OpenAsync(Cancellation);
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        await command.ExecuteNonQueryAsync(Cancellation);
        return connection;
    }

    public async Task<HttpResponseMessage> PostAsync(string body, string? key = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "payments") { Content = new StringContent(body, Encoding.UTF8, type) };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await http!.SendAsync(request, Cancellation);
    }

    /// <summary>Sends a form of the dashboard, with the token of the page that has it.</summary>
    /// <returns>The page that the form leads to.</returns>
    public async Task<string> SubmitAsync(string page, string form, params (string Name, string Value)[] fields)
    {
        string token = Regex.Match(await GetTextAsync(page), "name=\"form-token\" value=\"([0-9A-F]+)\"").Groups[1].Value;
        using var content = new FormUrlEncodedContent(fields.Append(("form-token", token))
            .Select(static field => KeyValuePair.Create(field.Item1, field.Item2)));
        using HttpResponseMessage answer = await http!.PostAsync(form, content, Cancellation);
        if (answer is { StatusCode: HttpStatusCode.ServiceUnavailable, RequestMessage: { Method.Method: "GET", RequestUri: { } next } })
            return await GetTextAsync(next.ToString());
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
    }

    public async Task<JsonElement> GetAsync(string path) => JsonDocument.Parse(await GetTextAsync(path)).RootElement;

    /// <summary>Gets a text. On a busy machine, a page of the dashboard may say that the store has not answered yet: then it asks
    /// again.</summary>
    public async Task<string> GetTextAsync(string path)
    {
        var looks = new Rounds(100);
        while (true)
        {
            using HttpResponseMessage answer = await http!.GetAsync(path, Cancellation);
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable || !await looks.GoOnAsync())
                return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
        }
    }

    /// <summary>Waits until <c>GET /snapshot</c> shows a given count.</summary>
    public async Task WaitForAsync(string consecutor, string figure, long value)
    {
        while ((await GetAsync("snapshot")).GetProperty(consecutor).GetProperty(figure).GetInt64() != value)
            await Task.Delay(10, Cancellation);
    }

    /// <summary>The lines of the ledger, without the header.</summary>
    public string[] Booked() => File.ReadAllLines(Ledger)[1..];

    public static string Payment(string account, decimal amount, string payee = "shop")
        => string.Create(CultureInfo.InvariantCulture, $$"""{"account":"{{account}}","amount":{{amount}},"payee":"{{payee}}"}""");

    public void Dispose()
    {
        Drop();
        directory.Delete(recursive: true);
    }

    private void Drop()
    {
        http?.Dispose();
        process?.Dispose();
    }
}
