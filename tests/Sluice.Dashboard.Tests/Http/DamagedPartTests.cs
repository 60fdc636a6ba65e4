using System.Text.RegularExpressions;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>An entry that is damaged in the store hides nothing else of its page.</summary>
public sealed class DamagedPartTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AWaitingItemThatIsDamagedHidesNeitherTheVerdictNorTheButtons()
    {
        LeasedItems items = await LeasedItems.MakeAsync(store, "orders", ("ann", 0), ("bob", 0));
        await items.DeferAsync(new RetryWrite(1, 1, TimeSpan.FromHours(1), "Save", "no"));
        await items.BuryAsync(2, "Save");
        foreach (string page in (string[])["/consecutors/orders", "/consecutors/orders/nodes/Save"])
        {
            Answer answer = await GetAsync(page, "ListWaiting");
            Assert.Equal((page, HttpStatusCode.OK), (page, answer.Status));
            Assert.Contains("Waiting items of partition 0 are left out: The entry 1 is damaged.", answer.Text, StringComparison.Ordinal);
            if (!page.EndsWith("Save", StringComparison.Ordinal)) Assert.Contains(">Pause</button>", answer.Text, StringComparison.Ordinal);
        }
    }

    /// <summary>The page shows ids and errors: payloads would cost the store megabytes a second.</summary>
    [Fact]
    public async Task ThePageReadsNoPayloadsOfWaitingItems()
    {
        LeasedItems items = await LeasedItems.MakeAsync(store, "orders", ("ann", 0));
        await items.DeferAsync(new RetryWrite(1, 1, TimeSpan.FromHours(1), "Save", "no"));
        var watched = new WatchedStore(store);
        Answer answer = await GetAsync(watched, "/consecutors/orders");
        Assert.Contains("orders/0/1@1", answer.Text, StringComparison.Ordinal);
        Assert.Equal(0, watched.CallsOf("ListWaitingAsync"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?stream=y")]
    public async Task AValueThatIsDamagedHidesNothingElseOfItsRun(string query)
    {
        await using var flow = new Doubling(store);
        await flow.RunAsync("good", keepsInput: true, "a", "b");
        Answer answer = await GetAsync("/flows/good" + query, "ReadAsync");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Contains("The entry 1 is damaged.", answer.Text, StringComparison.Ordinal);
        Assert.Contains("stream=y&amp;from=2#values\">The values behind it</a>", answer.Text, StringComparison.Ordinal);
        Assert.Contains("<title>ran at shop-1, completed</title>", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALineOfTheAuditThatIsDamagedHidesNoOther()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = new DamagedStore(store, "ReadAsync") }
        });
        using Viewer viewer = program.NewViewer();
        foreach (string action in (string[])["pause", "resume"])
            await viewer.PostAsync($"/consecutors/orders/{action}", "/consecutors/orders");
        string lines = (await viewer.GetAsync("/audit")).Text;
        Assert.Contains("The line 1 of the audit is damaged.", lines, StringComparison.Ordinal);
        Assert.Equal(3, Regex.Count(lines, "<span class=\"long\">(Pause|Resume)"));
    }

    /// <summary>What was typed may be understood in another way.</summary>
    [Fact]
    public async Task TheQuestionNamesTheTimeOfTheFilterAsItWasUnderstood()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        using Viewer viewer = program.NewViewer();
        Answer question = await viewer.PostAsync("/consecutors/orders/discard", "/consecutors/orders/dead",
            ("since", "2026-01-01T02:00+02:00"));
        Assert.Contains("(since '2026-01-01 00:00:00 UTC')?", WebUtility.HtmlDecode(question.Text), StringComparison.Ordinal);
    }

    private Task<Answer> GetAsync(string page, string damaged) => GetAsync(new DamagedStore(store, damaged), page);

    private static async Task<Answer> GetAsync(IStreamStore shown, string page)
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = shown }
        });
        using Viewer viewer = program.NewViewer();
        return await viewer.GetAsync(page);
    }

    // Its entry 1 is damaged, in each stream and partition.
    private sealed class DamagedStore(IStreamStore inner, string kind) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private static StreamStoreException Failure => new("The entry 1 is damaged.") { IsPermanent = true, Sequence = 1 };

        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => kind == "ReadAsync" && request.From <= 1 && !request.Stream.StartsWith("flow/", StringComparison.Ordinal) ? throw Failure
                : base.ReadAsync(request, cancellation);

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
            => name.StartsWith("ListWaiting", StringComparison.Ordinal) && kind == "ListWaiting" ? throw Failure
                : base.CallAsync(name, call);
    }
}
