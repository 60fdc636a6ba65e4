using System.Diagnostics;
using System.Text;
using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>A store with a long history: looks and pages are as long as with a short one.</summary>
public sealed class ManyRunsTests : IAsyncDisposable
{
    private const int Many = 100_000;

    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AHundredThousandRunsAreReadPartByPartAndPaged()
    {
        await FillAsync(Many);
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        Answer first = await TimeAsync(viewer, watched, "", maxCalls: 20 + (3 * FlowSampler.MaxNew));
        Assert.Contains("<td class=\"figures nil\">0</td>", first.Text, StringComparison.Ordinal);  // without streams of flows
        Answer list = await TimeAsync(viewer, watched, "/flows", maxCalls: 1 + (3 * FlowSampler.MaxNew));
        Assert.Contains($"200 of 100,000 runs were read so far", list.Text, StringComparison.Ordinal);
        Assert.Equal("run-099999", Runs(list.Text)[0]);
        Assert.Equal(100, Runs(list.Text).Count);
        Assert.Equal("run-099899", Runs((await viewer.GetAsync("/flows?page=2")).Text)[0]);
        // Any run is found by its id at once, page by page.
        Answer found = await TimeAsync(viewer, watched, "/flows?id=run-0001",
            maxCalls: 1 + (3 * (FlowSampler.MaxNew + FlowSampler.MaxOpen)));
        Assert.Equal(["run-000100", "run-000199"], [Runs(found.Text)[0], Runs(found.Text)[^1]]);
        Assert.Equal("run-000101", Runs((await viewer.GetAsync("/flows?id=run-000&after=run-000100")).Text)[0]);
        await TimeAsync(viewer, watched, "/flows/run-000100", maxCalls: 20);
    }

    [Fact]
    public async Task AHundredThousandStreamsAreLookedAtInTurn()
    {
        for (int i = 0; i < Many; i++) await store.OpenStreamAsync($"stream-{i:000000}", new() { Partitions = 1 });
        for (int i = 0; i < 10_000; i++) await store.AddGroupAsync(new($"stream-{i:000000}", $"stream-{i:000000}"));
        var watched = new WatchedStore(store);
        await using DashboardProgram program = await StartAsync(watched);
        using Viewer viewer = program.NewViewer();
        Answer first = await TimeAsync(viewer, watched, "", maxCalls: StoreSampler.MaxStreams + 200);
        Assert.Contains("100,000 (5,000 looked at so far)", first.Text, StringComparison.Ordinal);
        Assert.Contains("The most urgent 200 of 1,000;", first.Text, StringComparison.Ordinal);
        Assert.Contains("title=\"Members are looked up for the 40 largest backlogs of a store only.", first.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("/consecutors/stream-009999")).Status);       // of those not looked at
        Answer page = await TimeAsync(viewer, watched, "/streams?after=stream-070000", maxCalls: 250);
        Assert.Contains("stream-070200", page.Text, StringComparison.Ordinal);
        Assert.Contains("after=stream-070200", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALookAtARunReadsWhatWasAdded()
    {
        await FillAsync(1);
        var inspector = new FlowRunInspector(store);
        Assert.Equal(FlowStatus.Completed, (await inspector.FindAsync("run-000000", Cancellation))!.Status);
        var watched = new WatchedStore(store);
        inspector = new(watched);
        await inspector.FindAsync("run-000000", Cancellation);
        FlowRunInfo? again = await inspector.FindAsync("run-000000", Cancellation);
        int before = watched.CallsOf("ReadAsync");
        again = await inspector.FindAsync("run-000000", Cancellation);
        Assert.Equal(1, watched.CallsOf("ReadAsync") - before);                  // the first entry: whether it is the same run
        Assert.Equal(1, again!.Processors[0].Starts);

        // The id is used again: nothing of the run before is shown.
        await store.DeleteStreamAsync("flow/run-000000", Cancellation);
        Assert.Null(await inspector.FindAsync("run-000000", Cancellation));
        await AddAsync("flow/run-000000", await JournalAsync("another", "poison"), "another", "run-000000");
        Assert.Equal(FlowStatus.Failed, (await inspector.FindAsync("run-000000", Cancellation))!.Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    // The clock stands still: there is one look, and each page waits for it.
    private Task<DashboardProgram> StartAsync(IStreamStore shown)
    {
        clock.Advance(TimeSpan.FromSeconds(1));
        return DashboardProgram.StartAsync(new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = shown }, Time = clock });
    }

    private static async Task<Answer> TimeAsync(Viewer viewer, WatchedStore watched, string page, int maxCalls)
    {
        int before = watched.Calls;
        long began = Stopwatch.GetTimestamp();
        Answer answer = await viewer.GetAsync(page);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"'{page}': {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms, {watched.Calls - before} calls");
        Assert.Equal((page, HttpStatusCode.OK), (page, answer.Status));
        Assert.InRange(watched.Calls - before, 0, maxCalls);
        return answer;
    }

    private static List<string> Runs(string page) => [.. page.Split("/sluice/flows/run-").Skip(1).Select(static one => "run-" + one[..6])];

    // A run as the supervisor writes it, and its copies under other ids.
    private async Task FillAsync(int count)
    {
        List<byte[]> journal = await JournalAsync("original", "a");
        for (int i = 0; i < count; i++) await AddAsync($"flow/run-{i:000000}", journal, "original", $"run-{i:000000}");
    }

    private static async Task<List<byte[]>> JournalAsync(string id, string value)
    {
        await using var apart = new MemoryStreamStore();
        await using var flow = new Doubling(apart);
        await flow.RunAsync(id, keepsInput: false, value);
        ReadResult read = await apart.ReadAsync(new($"flow/{id}", 0, 1), Cancellation);
        return [.. read.Entries.ToArray().Select(static entry => entry.Payload.ToArray())];
    }

    private async Task AddAsync(string stream, List<byte[]> journal, string from, string to)
    {
        await store.OpenStreamAsync(stream, new() { Partitions = 1 }, Cancellation);
        using var batch = new EntryBatch();
        foreach (byte[] payload in journal)
            batch.Add(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(payload)
                .Replace($"\"{from}\"", $"\"{to}\"", StringComparison.Ordinal)));
        AppendResult added = await store.AppendAsync(new(stream, "test", 0, 1, batch), Cancellation);
        Assert.Equal(AppendStatus.Accepted, added.Status);
    }
}
