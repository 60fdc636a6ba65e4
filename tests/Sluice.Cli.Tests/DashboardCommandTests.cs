using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Sluice.Diagnostics;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary><c>sluice dashboard</c>: it reads a store that another process has open, and changes it through that process.</summary>
public sealed partial class DashboardCommandTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    // Disposed by the test runner's process: the base class has no hook.
    private readonly HttpClient browser = new(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new() });

    [Fact]
    public async Task LettersAreRedrivenAndEditedThroughTheProcessThatHasTheFileOpen()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "x", "x", "1");
        using SampleProcess process = Start("dashboard", Store, "--port", "0");
        string root = await AddressAsync(process);

        using HttpResponseMessage front = await browser.GetAsync(new Uri(new(root), "/"), Cancellation);
        Assert.Equal("/sluice", front.Headers.Location?.OriginalString);
        Assert.Contains("2 dead letters", await GetAsync($"{root}/consecutors/orders/dead"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "dead/1", "redrive", ("number", "1")));
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "dead/2", "edit", ("number", "2"), ("payload", "\"42\"")));

        Assert.Empty(await store.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation));
        Assert.Equal(["42", "x"], (await ProcessAllAsync(store, 2)).Order(StringComparer.Ordinal));
        string audit = await GetAsync($"{root}/audit");
        Assert.Contains("Redrive the dead letter 1 of orders", audit, StringComparison.Ordinal);
        Assert.Contains("Edit the dead letter 2 of orders", audit, StringComparison.Ordinal);
        await process.SignalAsync("TERM");
        (await process.EndAsync()).Succeeded();
    }

    /// <summary>The command often runs in the directory of the service, and must not take its addresses and hosts for its own.</summary>
    [Fact]
    public async Task TheSettingsOfAServiceInTheDirectoryAreNotObeyed()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "x");
        await File.WriteAllTextAsync(Path.Combine(Folder, "appsettings.json"),
            """{"AllowedHosts": "shop.example.com", "Kestrel": {"Endpoints": {"Http": {"Url": "http://127.0.0.1:1"}}}}""", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(Folder, "appsettings.Production.json"), "{ no JSON", Cancellation);
        using SampleProcess process = Start("dashboard", Store, "--port", "0");
        string root = await AddressAsync(process);
        Assert.DoesNotContain(":1/", root, StringComparison.Ordinal);
        string page;
        do page = await GetAsync(root);
        while (!page.Contains("orders", StringComparison.Ordinal));      // a page says which store has not answered yet
        await process.SignalAsync("TERM");
        (await process.EndAsync()).Succeeded();
    }

    [Fact]
    public Task AConsecutorOfAnotherProcessIsPausedAndResumed() => OverBothStoresAsync(PauseAndResumeAsync);

    [Fact]
    public Task AConsecutorOfAnotherProcessIsDrainedAndResumed() => OverBothStoresAsync(DrainAndResumeAsync);

    private async Task OverBothStoresAsync(Func<IStreamStore, string, Task> play)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore redis = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        await play(redis, $"redis:{server.Address}");
        await using SqliteStreamStore file = await OpenAsync();
        await play(file, Store);
    }

    private async Task PauseAndResumeAsync(IStreamStore store, string text)
    {
        await using Consecutor<string> orders = Orders(store);
        await orders.StartAsync(Cancellation);
        using SampleProcess process = Start("dashboard", text, "--port", "0");
        string root = await AddressAsync(process);
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "", "pause"));
        await orders.SendAsync("1", Cancellation);
        ConsecutorSnapshot paused = orders.Snapshot();
        while (paused.Status != ConsecutorStatus.Paused) paused = await NextAsync(orders);
        Assert.Equal((1L, 0L), (paused.Pending, paused.Completed));
        await UntilAsync(root, "Is paused since", ">Resume</button>");
        Assert.Contains("open, paused", (await RunAsync("streams", text)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("orders was paused already, since", (await RunAsync("pause", text, "orders")).Succeeded().Output,
            StringComparison.Ordinal);
        Assert.Equal("orders is resumed\n", (await RunAsync("resume", text, "orders")).Succeeded().Output);
        Assert.Equal(1, (await orders.WaitForIdleAsync(Cancellation)).Completed);
        string audit = await GetAsync($"{root}/audit");
        Assert.Contains("Pause the consecutor orders", audit, StringComparison.Ordinal);
        await process.SignalAsync("TERM");
        (await process.EndAsync()).Succeeded();
    }

    private async Task DrainAndResumeAsync(IStreamStore store, string text)
    {
        var group = new GroupId("orders", "orders");
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously), mayEnd = new();
        await using var orders = new Consecutor<string>("orders", source => source | (async (string item) =>
        {
            begun.TrySetResult();
            if (item == "slow") await mayEnd.Task;
        }), new() { Store = store, InstanceId = "shop-1", OnWarning = static _ => { }, Stream = new() { Partitions = 4 } });
        await orders.StartAsync(Cancellation);
        await orders.SendAsync("slow", Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        using SampleProcess process = Start("dashboard", text, "--port", "0");
        string root = await AddressAsync(process);
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "", "drain"));
        await UntilAsync(root, "1 of 4 partitions is not released yet, with at most 1 item in flight.",
            "<b>shop-1</b> has 1 partition, and releases it when its items have ended.");
        Assert.Contains("open, draining", (await RunAsync("streams", text)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("orders was draining already, since", (await RunAsync("drain", text, "orders")).Succeeded().Output,
            StringComparison.Ordinal);
        await orders.SendAsync("next", Cancellation);
        mayEnd.SetResult();
        await UntilAsync(root, "Is drained since", "no process has a partition. Its processes can be stopped. 1 item stays in the store.",
            ">Resume</button>");
        Assert.Equal(1, orders.Snapshot().Completed);
        Assert.DoesNotContain(">Drain</button>", await GetAsync($"{root}/consecutors/orders"), StringComparison.Ordinal);
        Assert.Equal("orders is resumed: the drain is undone\n", (await RunAsync("resume", text, "orders")).Succeeded().Output);
        Assert.Equal(2, (await orders.WaitForIdleAsync(Cancellation)).Completed);
        Assert.StartsWith("orders drains: no member begins an item", (await RunAsync("drain", text, "orders")).Succeeded().Output,
            StringComparison.Ordinal);
        while ((await store.FindGroupAsync(group, Cancellation))!.Partitions.Any(static one => one.Owner is not null)) await Task.Yield();
        Assert.True(await orders.StopAsync(cancellation: Cancellation));
        await UntilAsync(root, "Is drained since", "and no process runs it. No item waits. Resume it to go on.");
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "", "resume"));
        string audit = await GetAsync($"{root}/audit");
        Assert.Contains("Drain the consecutor orders", audit, StringComparison.Ordinal);
        Assert.Contains(">resumed: the drain is undone<", audit, StringComparison.Ordinal);
        await process.SignalAsync("TERM");
        (await process.EndAsync()).Succeeded();
    }

    // The page of the consecutor looks at the store for each request, at most once in a second.
    private async Task UntilAsync(string root, params string[] texts)
    {
        string page;
        do page = await GetAsync($"{root}/consecutors/orders");
        while (!Array.TrueForAll(texts, text => page.Contains(text, StringComparison.Ordinal)));
    }

    private static async Task<ConsecutorSnapshot> NextAsync(Consecutor<string> consecutor)
    {
        Cancellation.ThrowIfCancellationRequested();
        await Task.Yield();
        return consecutor.Snapshot();
    }

    /// <summary>Every user of a machine reaches its ports.</summary>
    [Fact]
    public async Task WhoDoesNotKnowTheTokenSeesAndChangesNothing()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "x");
        using SampleProcess process = Start("dashboard", Store, "--port", "0");
        string printed = await PrintedAsync(process), token = printed[^32..];
        string root = printed[..printed.IndexOf('?', StringComparison.Ordinal)];
        foreach (string address in (string[])[root, $"{root}/consecutors/orders/dead.jsonl", $"{root}?token=",
            $"{root}?token={token[..^1]}", new Uri(new(root), "/").ToString()])
        {
            using HttpResponseMessage refused = await browser.GetAsync(address, Cancellation);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.StartsWith("This dashboard answers only the user who has started it.",
                await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }
        using var form = new FormUrlEncodedContent([new("number", "1")]);
        using HttpResponseMessage posted = await browser.PostAsync($"{root}/consecutors/orders/discard?token={token}", form, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, posted.StatusCode);
        using var program = new HttpRequestMessage(HttpMethod.Get, $"{root}/streams");
        program.Headers.Authorization = new("bearer", token);
        using HttpResponseMessage answer = await browser.SendAsync(program, Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var head = new HttpRequestMessage(HttpMethod.Head, $"{root}?token={token}");
        using HttpResponseMessage headers = await browser.SendAsync(head, Cancellation);
        Assert.NotEqual(HttpStatusCode.Unauthorized, headers.StatusCode);
        Assert.Single(await store.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation));
    }

    [Fact]
    public async Task AFileThatNoProcessHasOpenStaysFreeForAService()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "x", "y");
        using SampleProcess process = Start("dashboard", Store, "--port", "0", "--json");
        string root = await AddressAsync(process);
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "dead/1", "discard", ("number", "1")));
        await using SqliteStreamStore service = await OpenAsync();
        Assert.Single(await service.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation));
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "dead/2", "discard", ("number", "2")));
        Assert.Empty(await service.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation));
        await process.SignalAsync("INT");
        (await process.EndAsync()).Succeeded();
    }

    [Fact]
    public async Task ReadOnlyShowsNoButtonsAndTakesNoForms()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "x");
        using SampleProcess process = Start("dashboard", Store, "--port", "0", "--read-only");
        string root = await AddressAsync(process), page = await GetAsync($"{root}/consecutors/orders/dead/1");
        Assert.DoesNotContain("<button", page, StringComparison.Ordinal);
        using var form = new FormUrlEncodedContent([new("number", "1")]);
        using HttpResponseMessage answer = await browser.PostAsync($"{root}/consecutors/orders/discard", form, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Single(await store.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation));
    }

    [Fact]
    public async Task AServerIsShownAndChanged()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "hidden-word");
        string address = $"{server.Address},password=hidden-word";
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, null, Cancellation);
        await FillAsync(store, "x");
        using SampleProcess process = Start("dashboard", $"redis:{address}", "--port", "0");
        string root = await AddressAsync(process);
        Assert.Equal(HttpStatusCode.SeeOther, await PostAsync(root, "dead/1", "redrive", ("number", "1")));
        Assert.Empty(await store.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation));
        foreach (string page in (string[])["", "/streams", "/audit", "/flows"])
            Assert.DoesNotContain("hidden-word", await GetAsync(root + page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task APortThatIsTakenIsOneLine()
    {
        await (await OpenAsync()).DisposeAsync();
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        Assert.Contains($"Port {port} of this machine is not free", await MistakeAsync(2, "dashboard", Store, "--port", $"{port}"),
            StringComparison.Ordinal);
        Assert.Contains("--port is 0 to 65535", await MistakeAsync(2, "dashboard", Store, "--port", "70000"), StringComparison.Ordinal);
    }

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation).AsTask();

    /// <summary>Opens the printed address, as a user does.</summary>
    private async Task<string> AddressAsync(SampleProcess process)
    {
        string printed = await PrintedAsync(process);
        using HttpResponseMessage answer = await browser.GetAsync(printed, Cancellation);
        Assert.Equal((HttpStatusCode.Redirect, "/sluice"), (answer.StatusCode, answer.Headers.Location?.OriginalString));
        return printed[..printed.IndexOf('?', StringComparison.Ordinal)];
    }

    private static async Task<string> PrintedAsync(SampleProcess process)
        => Address().Match(await process.ReadUntilAsync(static line => line.Contains("http://", StringComparison.Ordinal))).Value;

    // On a machine that is busy, a page may say that the store has not answered yet.
    private async Task<string> GetAsync(string address)
    {
        while (true)
        {
            using HttpResponseMessage answer = await browser.GetAsync(address, Cancellation);
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable) continue;
            return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
        }
    }

    private async Task<HttpStatusCode> PostAsync(string root, string page, string action, params (string Name, string Value)[] fields)
    {
        string token = Token().Match(await GetAsync($"{root}/consecutors/orders/{page}")).Groups[1].Value;
        using var form = new FormUrlEncodedContent([new("form-token", token),
            .. fields.Select(static field => KeyValuePair.Create(field.Name, field.Value))]);
        using HttpResponseMessage answer = await browser.PostAsync($"{root}/consecutors/orders/{action}", form, Cancellation);
        if (answer.StatusCode != HttpStatusCode.SeeOther) TestContext.Current.SendDiagnosticMessage(
            await answer.Content.ReadAsStringAsync(Cancellation));
        return answer.StatusCode;
    }

    [GeneratedRegex("http://127.0.0.1:[0-9]+/sluice[?]token=[0-9a-f]{32}")]
    private static partial Regex Address();

    [GeneratedRegex("name=\"form-token\" value=\"([0-9A-F]+)\"")]
    private static partial Regex Token();
}
