using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Traces beside items that have none, in processes without a listener, and with samplers that leave spans out.</summary>
[Collection(SpanTests.Name)]
public sealed class SampledTraceTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ConsecutorOptions Options => new() { Store = store, Stream = new() { Partitions = 1 } };

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AnOutputKeepsTheTraceOfItsItemWhereNothingListens()
    {
        using var sender = new Activity("sender") { ActivityTraceFlags = ActivityTraceFlags.Recorded };
        sender.Start();
        await using var second = new Consecutor<int>("b", source => source | (_ => { }) | Stage.Named("end"), Options);
        await using var first = new Consecutor<int>("a", source => source | Sink.Output<int>("out"), Options);
        first.Output<int>("out").To(second);
        await first.SendAsync(1, Cancellation);
        Activity.Current = null;
        await first.StartAsync(Cancellation);
        await first.WaitForIdleAsync(Cancellation);

        ReadResult stored = await store.ReadAsync(new("b", 0, 1), Cancellation);
        EntryTrace trace = Sluice.Delivery.EntryHeaders.Read(stored.Entries.Span[0].Headers.Span).Trace!;
        Assert.Equal((sender.TraceId, sender.SpanId), (trace.Context.TraceId, trace.Context.SpanId));
    }

    [Fact]
    public async Task AnOutputWhoseSpanIsLeftOutIsBelowTheNodeThatPutsItOut()
    {
        using var log = new SpanLog(without: "sluice.create");
        await using var second = new Consecutor<int>("b", source => source | (_ => { }) | Stage.Named("end"), Options);
        await using var first = new Consecutor<int>("a", source => source | Sink.Output<int>("out"), Options);
        first.Output<int>("out").To(second);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        await first.SendAsync(1, Cancellation);
        await first.WaitForIdleAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);

        Assert.Equal("""
            send a
              process a
                commit a
                node out
                  process b
                    commit b
                    node end
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task AnItemWithoutATraceBehindATracedOneHasNoSpanAroundIt()
    {
        using var log = new SpanLog();
        List<string?> inside = [];
        await using var consecutor = new Consecutor<int>("a", source => source
            | (_ => inside.Add(Activity.Current?.DisplayName)) | Stage.Named("end"), Options);
        await consecutor.SendAsync(1, Cancellation);
        Activity.Current = null;
        await consecutor.SendAsync(2, Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal(["node end", null], inside);
    }
}
