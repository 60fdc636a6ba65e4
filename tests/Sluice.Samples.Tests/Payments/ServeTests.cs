using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using static Sluice.Samples.Tests.Payments.PaymentsServer;

namespace Sluice.Samples.Tests.Payments;

/// <summary>The server as its clients see it.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly PaymentsServer server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => server.Dispose();

    [Fact]
    public async Task BalancesAreExactAndSurviveAStop()
    {
        await server.StartAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await server.PostAsync(Payment("a-1", 0.1m))).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await server.PostAsync(Payment("a-1", 12.50m) + "\n" + Payment("b,2", 0.2m),
            type: "application/x-ndjson")).StatusCode);
        await server.WaitForAsync("payments", "completed", 3);
        Assert.Equal("""{"a-1":"12.60","b,2":"0.2"}""", await server.GetTextAsync("balances"));
        Assert.Contains("3 payments accepted, 3 of them processed", (await server.StopAsync()).Succeeded().Output,
            StringComparison.Ordinal);
        await server.StartAsync();
        await server.PostAsync(Payment("a-1", 0.40m));
        await server.WaitForAsync("payments", "completed", 4);
        Assert.Equal("""{"a-1":"13.00","b,2":"0.2"}""", await server.GetTextAsync("balances"));
        await server.WaitForAsync("ledger", "completed", 4);
        (await server.StopAsync()).Succeeded();
        Assert.Equal(["\"b,2\",1,0.2,shop,0.2", "a-1,1,0.1,shop,0.1", "a-1,2,12.50,shop,12.60", "a-1,3,0.40,shop,13.00"],
            server.Booked().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AStopKeepsItsDeadlineWhileAnotherProcessLocksTheStore()
    {
        await server.StartAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await server.PostAsync(Payment("a-1", 1m))).StatusCode);
        await server.WaitForAsync("ledger", "completed", 1);
        Ended ended;
        await using (await server.LockAsync())
        {
            Task<HttpResponseMessage> waits = server.PostAsync(Payment("a-1", 2m), "key");
            var clock = Stopwatch.StartNew();
            ended = await server.StopAsync();
            await ((Task)waits).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(1));          // 15 seconds, on a machine that may be busy
        }
        Assert.Equal(3, ended.ExitCode);
        Assert.Contains("for 15 s at most", ended.Output, StringComparison.Ordinal);
        Assert.Contains("payments: stopped after 15 s, because the store", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
        await server.StartAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await server.PostAsync(Payment("a-1", 2m), "key")).StatusCode);
        await server.WaitForAsync("payments", "completed", 2);
        Assert.Equal("""{"a-1":"3"}""", await server.GetTextAsync("balances"));
        (await server.StopAsync()).Succeeded();
    }

    [Fact]
    public async Task PaymentsSentAgainAfterAKillAreCountedOnce()
    {
        string[] requests = [.. Enumerable.Range(1, 60).Select(number => Payment($"a-{number % 7}", number * 0.01m, $"p{number}"))];
        for (int life = 0; life < 3; life++)
        {
            await server.StartAsync();
            // Each life repeats the requests of the earlier lives and sends new ones. Then the server is killed in the middle of its work.
            HttpResponseMessage[] answers = await Task.WhenAll(
                requests[..(20 * (life + 1))].Select((body, number) => server.PostAsync(body, $"key-{number}")));
            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode));
            await server.KillAsync();
        }

        await server.StartAsync();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PostAsync(Payment("a-1", 99), "key-0")).StatusCode);
        await server.WaitForAsync("ledger", "completed", 60);
        JsonElement balances = await server.GetAsync("balances");
        Assert.Equal("2.52", balances.GetProperty("a-0").GetString());          // 0.07 + 0.14 + … + 0.56
        (await server.StopAsync()).Succeeded();
        Assert.Equal(Enumerable.Range(1, 60).Select(number => $"p{number}").Order(StringComparer.Ordinal),
            server.Booked().Select(line => line.Split(',')[3]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AnInvalidPaymentIsRefusedWithItsPosition()
    {
        await server.StartAsync();
        foreach ((string body, int line, int at) in ((string, int, int)[])
        [
            ("""{"account":"a","amount":1""", 1, 26),
            ("""{"account":"a","amount":"1","payee":"p"}""", 1, 28),
            ("""{"account":"a","amount":NaN,"payee":"p"}""", 1, 25),
            ("""{"account":"a","payee":"p"}""", 1, 28),
            ("{\n\"account\":null,\"amount\":1,\"payee\":\"p\"}", 2, 15),
        ])
        {
            HttpResponseMessage answer = await server.PostAsync(body);
            Assert.Equal((body, HttpStatusCode.BadRequest), (body, answer.StatusCode));
            JsonElement problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement;
            Assert.Equal((body, line, at), (body, problem.GetProperty("line").GetInt32(), problem.GetProperty("byte").GetInt32()));
            Assert.Equal("{}", await server.GetTextAsync("balances"));
        }
    }

    [Fact]
    public async Task AnInvalidBookingIsRejectedAndAPoisonPaymentIsADeadLetter()
    {
        await server.StartAsync("--poison", "evil");
        foreach (string body in new[] { Payment("a", 0), Payment("a", -1), Payment(" ", 1), Payment("a", 1, ""), Payment("a", 0.000000001m),
            Payment("a", 1, "evil"), Payment("a", 5) })
            Assert.Equal(HttpStatusCode.Accepted, (await server.PostAsync(body)).StatusCode);
        await server.WaitForAsync("payments", "dead", 1);
        await server.WaitForAsync("rejections", "completed", 5);
        await server.WaitForAsync("payments", "completed", 6);
        Assert.Equal("""{"a":"5"}""", await server.GetTextAsync("balances"));
        JsonElement letter = Assert.Single((await server.GetAsync("dead")).EnumerateArray());
        Assert.Equal(("charge", "evil", 11), (letter.GetProperty("node").GetString(),
            letter.GetProperty("payment").GetProperty("payee").GetString(), letter.GetProperty("attempts").GetInt32()));
        string rejected = await server.GetTextAsync("rejected");
        Assert.Contains("""{"reason":"the payee is blank","payment":{"account":"a","amount":1,"payee":""}}""", rejected,
            StringComparison.Ordinal);
        Assert.Equal(5, rejected.Count(character => character == '\n'));
        (await server.StopAsync()).SucceededWithFailedItems();
    }

    [Fact]
    public async Task TheDashboardIsAtSluiceAndDiscardsADeadLetter()
    {
        await server.StartAsync("--poison", "evil");
        foreach (string payee in (string[])["evil", "shop"])
            Assert.Equal(HttpStatusCode.Accepted, (await server.PostAsync(Payment("a", 1, payee))).StatusCode);
        await server.WaitForAsync("payments", "dead", 1);
        await server.WaitForAsync("payments", "completed", 1);
        string overview = await server.GetTextAsync("sluice");
        foreach (string name in (string[])["payments", "ledger", "rejections"])
        {
            Assert.Contains($"href=\"/sluice/consecutors/{name}\"", overview, StringComparison.Ordinal);
            Assert.Contains("<svg", await server.GetTextAsync($"sluice/consecutors/{name}"), StringComparison.Ordinal);
        }
        Assert.Contains("evil", await server.GetTextAsync("sluice/consecutors/payments/dead/1"), StringComparison.Ordinal);
        string done = await server.SubmitAsync("sluice/consecutors/payments/dead/1", "sluice/consecutors/payments/discard",
            ("number", "1"));
        Assert.Contains("1 letter discarded.", done, StringComparison.Ordinal);
        Assert.Equal("[]", await server.GetTextAsync("dead"));
    }

    [Fact]
    public async Task ATcpClientResumesAfterAKillAndWindowsAddUp()
    {
        await server.StartAsync("--tcp", "0", "--window", "1");
        Assert.Equal(["hello 0", "ok 2"], await TalkAsync("hello me", $"1 {Payment("t", 1.05m)}\n2 {Payment("t", 2)}"));
        await server.KillAsync();
        await server.StartAsync("--tcp", "0", "--window", "1");
        Assert.Equal(["hello 2", "ok 3"], await TalkAsync("hello me", $"2 {Payment("t", 2)}\n3 {Payment("t", 3)}"));
        while (Totals() < 6.05m) await Task.Delay(10, Cancellation);
        Assert.Equal("""{"t":"6.05"}""", await server.GetTextAsync("balances"));
        (await server.StopAsync()).Succeeded();
        Assert.Equal(6.05m, Totals());

        decimal Totals() => File.ReadLines(server.Store + ".totals.csv").Skip(1)
            .Sum(line => decimal.Parse(line.Split(',')[3], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <returns>The answer to hello, and the last answer to the frames.</returns>
    private async Task<string[]> TalkAsync(string hello, string frames)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Tcp!, Cancellation);
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true };
        await writer.WriteAsync($"{hello}\n{frames}\n");
        string first = (await reader.ReadLineAsync(Cancellation))!, last = "", awaited = $"ok {frames.Split('\n')[^1].Split(' ')[0]}";
        while (last != awaited) last = (await reader.ReadLineAsync(Cancellation))!;
        return [first, last];
    }
}
