using System.Text;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The journals of runs: unreadable journals and entries, and the events that a watch keeps.</summary>
public class JournalTests
{
    private const string Newer = """{"Kind":"Paused","Member":"newer","Processor":"copy"}""";
    private static readonly Flow Copying = Flow.From(new Processor("copy") { Inputs = ["x"], Outputs = ["y"] }).Resolve();

    [Fact]
    public async Task AnUnreadableJournalEntryIsSkippedWithAWarning()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await lab.Join().StartAsync(Copying, [IOVal.Of("x", 1)], run: "run", cancellation: FlowLab.Cancellation);
        await AddAsync(lab.Store, "flow/run", Newer, "null", "{");
        lab.Join().Register(Copying.Processors[0], StartTests.CopyAsync);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Completed, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
        string[] warnings = [.. lab.Warnings.Where(text => text.Contains("of the journal of the run run is not understood, and is left out",
            StringComparison.Ordinal)).Distinct()];
        Assert.Equal(3, warnings.Length);
    }

    [Theory]
    [InlineData("no journal")]
    [InlineData(Newer)]
    [InlineData("""{"Member":"newer"}""")]
    [InlineData("""{"Plan":{"Run":"b","Key":"1"}}""")]
    [InlineData("""{"Plan":{"Run":"b","Key":"1","Processors":[],"Streams":[],"Results":[]}}""")]
    public async Task ListingRunsSkipsAnUnreadableJournalWithAWarning(string entry)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Copying.Processors[0], StartTests.CopyAsync);
        foreach (string id in (string[])["a", "c"])
            await using (FlowRun run = await service.StartAsync(Copying, [IOVal.Of("x", 1)], run: id, cancellation: FlowLab.Cancellation))
                await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.Store.OpenStreamAsync("flow/b", new() { Partitions = 1 }, FlowLab.Cancellation);
        await AddAsync(lab.Store, "flow/b", entry);

        List<string> runs = [];
        await foreach (FlowRunInfo status in service.ListAsync(FlowLab.Cancellation)) runs.Add(status.Run);
        Assert.Equal(["a", "c"], runs);
        Assert.Contains(lab.Warnings, text => text.StartsWith("The run b is left out: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnUnreadableJournalDoesNotStopTheRemovalOfEndedRuns()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var service = Supervisor.Attach(store, new() { Time = clock, RunRetentionDuration = TimeSpan.FromMinutes(10) });
        service.Register(Copying.Processors[0], StartTests.CopyAsync);
        await store.OpenStreamAsync("flow/a", new() { Partitions = 1 }, FlowLab.Cancellation);
        await AddAsync(store, "flow/a", "no journal");
        await using FlowRun ended = await service.StartAsync(Copying, [IOVal.Of("x", 1)], run: "ended", cancellation: FlowLab.Cancellation);
        await ended.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        for (int minute = 0; minute < 12; minute++) await clock.AdvanceAsync(TimeSpan.FromMinutes(1));
        while (true)
        {
            // Beside the removal of the run, calls are repeated after a pause: time passes meanwhile.
            Task<FlowRun?> finding = service.FindAsync("ended", FlowLab.Cancellation);
            await clock.AdvanceUntilAsync(finding);
            if (await finding is not { } still) break;
            await clock.AdvanceUntilAsync(still.DisposeAsync().AsTask());
            clock.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => service.FindAsync("a", FlowLab.Cancellation));
        Assert.StartsWith("What the run a is should stand in the entry", failure.Message, StringComparison.Ordinal);
        Assert.Equal("a", failure.Run);
    }

    /// <remarks>Formerly the look failed, and a list of all runs warned of the run.</remarks>
    [Fact]
    public async Task ARunThatIsDeletedBesideALookIsNotThere()
    {
        await using var lab = new FlowLab();
        await using var deleting = new DeletingStore(lab.Store, "flow/run");
        await using FlowRun run = await lab.Join().StartAsync(Copying, [IOVal.Of("x", 1)], run: "run", cancellation: FlowLab.Cancellation);
        Supervisor looker = lab.Join(store: deleting);
        deleting.IsArmed = true;
        Assert.Null(await looker.FindAsync("run", FlowLab.Cancellation).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.False(deleting.IsArmed);
        Assert.Empty(lab.Warnings);
    }

    /// <remarks>Formerly the reading failed.</remarks>
    [Fact]
    public async Task ARunThatIsDeletedWhileItsJournalIsReadOnIsNotThere()
    {
        await using var lab = new FlowLab();
        await using var deleting = new DeletingStore(lab.Store, "flow/run");
        await using FlowRun run = await lab.Join().StartAsync(Copying, [IOVal.Of("x", 1)], run: "run", cancellation: FlowLab.Cancellation);
        var calls = new StoreRetrier(deleting, TimeProvider.System, _ => { }, TimeSpan.FromSeconds(1));
        await using RunWatch watch = (await RunWatch.OpenAsync(calls, "run", FlowLab.Cancellation))!;
        Assert.True(await watch.TryReadOnAsync(FlowLab.Cancellation));
        deleting.IsArmed = true;
        Assert.False(await watch.TryReadOnAsync(FlowLab.Cancellation).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.False(deleting.IsArmed);
    }

    [Fact]
    public async Task AWatchKeepsNoStuckIdleOrMovingEvents()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await lab.Join().StartAsync(Copying, [IOVal.Of("x", 1)], run: "run", cancellation: FlowLab.Cancellation);
        var calls = new StoreRetrier(lab.Store, TimeProvider.System, _ => { }, TimeSpan.FromSeconds(1));
        foreach (RunEventKind kind in (RunEventKind[])[RunEventKind.Started, RunEventKind.Stuck, RunEventKind.Idle, RunEventKind.Moving])
            await RunWatch.AddAsync(calls, "run", new(kind, "host", "copy", Stream: "y"), FlowLab.Cancellation);
        await using RunWatch watch = (await RunWatch.OpenAsync(calls, "run", FlowLab.Cancellation))!;
        Assert.Equal([RunEventKind.Begun, RunEventKind.Started], watch.Events.Select(one => one.Event.Kind));
        Assert.Equal((FlowStatus.Running, "host"), (await run.GetStatusAsync(FlowLab.Cancellation)).Processors.Select(processor =>
            (processor.Status, processor.Host)).Single());
    }

    private static async Task AddAsync(IStreamStore store, string journal, params string[] entries)
    {
        using var batch = new EntryBatch();
        foreach (string entry in entries) batch.Add(Encoding.UTF8.GetBytes(entry));
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(journal, "somebody", 0, 1, batch), FlowLab.Cancellation)).Status);
    }

    /// <summary>A store from which a journal is deleted just before it is read.</summary>
    private sealed class DeletingStore(IStreamStore inner, string journal) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public bool IsArmed { get; set; }

        public override async ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        {
            if (IsArmed && request.Stream == journal)
            {
                IsArmed = false;
                await Inner.DeleteStreamAsync(journal, cancellation);
            }
            return await base.ReadAsync(request, cancellation);
        }
    }
}
