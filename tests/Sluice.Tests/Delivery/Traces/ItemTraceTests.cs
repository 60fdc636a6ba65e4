using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery.Traces;

[Collection(SpanTests.Name)]
public sealed class ItemTraceTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ConsecutorOptions Options => new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None) };

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AnItemIsTracedFromItsSenderThroughTheNodesIntoTheNextConsecutor()
    {
        using var log = new SpanLog();
        await using var second = new Consecutor<string>("b", source => source | (_ => { }) | Stage.Named("end"), Options);
        await using var first = new Consecutor<int>("a", source => source.Select(n => n + 1) | Stage.Named("add").Buffer(2)
            | (n => n.ToString()) | Stage.Named("text") | Sink.Output<string>("out"), Options);
        first.Output<string>("out").To(second);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);

        await first.SendAsync(1, Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);

        Assert.Equal("""
            send a
              process a
                commit a
                node add
                node out
                  create b
                    process b
                      commit b
                      node end
                node text
            """, log.Tree, ignoreLineEndingDifferences: true);
        Assert.Equal((ActivityKind.Producer, ActivityKind.Consumer, ActivityKind.Client, ActivityKind.Producer, ActivityKind.Internal),
            (log["send a"].Kind, log["process a"].Kind, log["commit a"].Kind, log["create b"].Kind, log["node add"].Kind));
        Assert.Equal(("a/0/1@1", "0", 1), (log["process a"].GetTagItem("messaging.message.id"),
            log["process a"].GetTagItem("messaging.destination.partition.id"), log["process a"].GetTagItem("sluice.attempt")));
        Assert.Same(log.Sender, Activity.Current);
    }

    [Fact]
    public async Task AfterARestartTheItemGoesOnInItsTrace()
    {
        using var log = new SpanLog();
        await using (var before = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options))
            await before.SendAsync(1, Cancellation);
        Activity.Current = null;
        await using var after = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options);
        await after.StartAsync(Cancellation);
        await after.WaitForIdleAsync(Cancellation);

        Assert.Equal("""
            send a
              process a
                commit a
                node end
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task EachAttemptIsASpanAndARedriveGoesOnInTheTrace()
    {
        using var log = new SpanLog();
        bool isFixed = false;
        await using var consecutor = new Consecutor<int>("a",
            source => source | (_ => { if (!isFixed) throw new FormatException("no"); }) | Stage.Named("end"), Options);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        isFixed = true;
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal("""
            send a
              process a ! System.FormatException
                commit a
                node end ! System.FormatException
              process a ! System.FormatException
                commit a
                node end ! System.FormatException
              process a
                commit a
                node end
            """, log.Tree, ignoreLineEndingDifferences: true);
        Assert.Equal([1, 2, 1], log.Spans.Where(span => span.DisplayName == "process a").Select(span => span.GetTagItem("sluice.attempt")));
    }

    [Fact]
    public async Task CodeOfANodeHasTheSpanOfTheNodeAlsoBehindAwaitsAndBuffersAndInLanes()
    {
        using var log = new SpanLog();
        List<string> inside = [];
        void Note(string where)
        {
            lock (inside) inside.Add($"{where}: {Activity.Current?.DisplayName}");
        }
        await using var consecutor = new Consecutor<int>("a", source => source
            .Select(n => { Note("map"); return n; }) | Stage.Named("map").Buffer(4)
            | (async (int n, CancellationToken _) => { await Task.Yield(); Note("async"); return n; }) | Stage.Named("async").Parallel(2)
            | (n => { Note("behind"); return n; }) | Stage.Named("behind")
            | (_ => Note("end")) | Stage.Named("end"), Options);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Activity.Current = null;
        await consecutor.SendAsync(2, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal(["map: node map", "async: node async", "behind: node behind", "end: node end", "map: ", "async: ", "behind: ",
            "end: "], inside);
    }

    [Fact]
    public async Task AnItemThatANodeSendsIsInTheTraceOfTheNode()
    {
        using var log = new SpanLog();
        await using var second = new Consecutor<int>("b", source => source | (_ => { }) | Stage.Named("end"), Options);
        await using var first = new Consecutor<int>("a",
            source => source | (async (int n, CancellationToken token) => await second.SendAsync(n, token))
                | Stage.Named("forward"), Options);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAsync(1, Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);

        Assert.Equal(log["node forward"].SpanId, log["send b"].ParentSpanId);
        Assert.Equal(log["send b"].SpanId, log["process b"].ParentSpanId);
    }

    [Fact]
    public async Task ItemsThatAreSentTogetherShareASpanAndTheirCommitLinksToAllOfThem()
    {
        using var log = new SpanLog();
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal(3, log["send a"].GetTagItem("messaging.batch.message_count"));
        Activity[] items = [.. log.Spans.Where(static span => span.DisplayName == "process a")];
        Assert.Equal(3, items.Length);
        Assert.All(items, item => Assert.Equal(log["send a"].SpanId, item.ParentSpanId));
        Activity[] commits = [.. log.Spans.Where(static span => span.DisplayName == "commit a")];
        Assert.Equal(items.Select(static item => item.SpanId).ToHashSet(),
            commits.SelectMany(static commit => commit.Links.Select(static link => link.Context.SpanId).Append(commit.ParentSpanId))
                .ToHashSet());
    }

    [Fact]
    public async Task WhatANodeMakesOfSeveralItemsIsAChildOfOneAndLinksToTheOthers()
    {
        using var log = new SpanLog();
        await using var consecutor = new Consecutor<int>("a", source => source.Chunk(3) | Stage.Named("three") | (_ => { })
            | Stage.Named("end"), Options with { Stream = new() { Partitions = 1 } });
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Activity[] processed = [.. log.Spans.Where(static span => span.DisplayName == "process a")];
        Activity chunk = Assert.Single(processed, static span => span.GetTagItem("sluice.node.name") is not null);
        ActivitySpanId[] items = [.. processed.Where(span => span != chunk).Select(static span => span.SpanId)];
        Assert.Equal(3, items.Length);
        Assert.Contains(chunk.ParentSpanId, items);
        Assert.Equal(items.Where(id => id != chunk.ParentSpanId), chunk.Links.Select(static link => link.Context.SpanId));
        Assert.Equal(chunk.SpanId, log["node end"].ParentSpanId);
    }

    [Fact]
    public async Task WithoutAListenerTheItemKeepsTheTraceOfItsSenderForTheProcessThatListens()
    {
        using var sender = new Activity("sender") { ActivityTraceFlags = ActivityTraceFlags.Recorded };
        sender.Start();
        sender.TraceStateString = "vendor=1";
        await using (var before = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options))
            await before.TrySendAllAsync([1], new() { IdempotencyKey = "once" }, Cancellation);
        sender.Stop();

        IReadOnlyList<Entry> entries = await ReadAsync("a");

        EntryTrace trace = Sluice.Delivery.EntryHeaders.Read(entries[0].Headers.Span).Trace!;
        Assert.Equal((sender.TraceId, sender.SpanId, "vendor=1"), (trace.Context.TraceId, trace.Context.SpanId, trace.Context.TraceState));
    }

    [Fact]
    public async Task AnItemOfASenderThatIsNotRecordedIsStoredAsWithoutATrace()
    {
        using var log = new SpanLog(records: false);
        log.Sender.ActivityTraceFlags = ActivityTraceFlags.None;
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options);
        await consecutor.SendAsync(1, Cancellation);

        Assert.True((await ReadAsync("a"))[0].Headers.IsEmpty);
    }

    [Fact]
    public async Task AnItemThatFillsItsEntryIsAcceptedWithoutItsTrace()
    {
        using var log = new SpanLog();
        await using var consecutor = new Consecutor<string>("a", source => source | (_ => { }) | Stage.Named("end"),
            Options with { Stream = new() { MaxEntryBytes = 1024 } });
        string full = new('x', 1022);                // two quotes
        await consecutor.SendAsync(full, Cancellation);
        await Assert.ThrowsAsync<PayloadException>(async () => await consecutor.SendAsync(full + "x", Cancellation));

        Assert.True((await ReadAsync("a"))[0].Headers.IsEmpty);
    }

    [Fact]
    public async Task AnItemWhoseTraceIsDamagedIsProcessed()
    {
        using var log = new SpanLog();
        List<int> done = [];
        await using var consecutor = new Consecutor<int>("a", source => source | done.Add | Stage.Named("end"), Options);
        await consecutor.SendAsync(1, Cancellation);
        using var damaged = new EntryBatch { Stream = "a" };
        damaged.Add("2"u8, default, [12, 26, 0, 0, 1, 2, 3]);
        damaged.Add("3"u8, default, [12, 3, 0, 0, 1, 2]);
        await store.AppendAsync(new("a", "other", 0, 1, damaged), Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal([1, 2, 3], done.Order());
    }

    [Fact]
    public async Task ASendThatFailsIsAnErrorOfItsSpan()
    {
        using var log = new SpanLog();
        await using var consecutor = new Consecutor<int>("a", source => source | (_ => { }) | Stage.Named("end"), Options);
        await consecutor.CompleteAsync(Cancellation);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await consecutor.SendAsync(1, Cancellation));

        Assert.Equal("send a ! System.InvalidOperationException", log.Tree);
    }

    private async Task<IReadOnlyList<Entry>> ReadAsync(string stream)
    {
        for (int partition = 0; ; partition++)
        {
            ReadResult read = await store.ReadAsync(new(stream, partition, 1), Cancellation);
            if (!read.Entries.IsEmpty) return read.Entries.ToArray();
        }
    }
}
