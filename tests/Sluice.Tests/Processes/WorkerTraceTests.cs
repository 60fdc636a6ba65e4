using Sluice.Storage;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Processes;

/// <summary>The traces of items in worker processes that have no listener for spans.</summary>
[Collection(SpanTests.Name)]
public class WorkerTraceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnActivityInAWorkerHasTheTraceOfItsItem()
    {
        using var log = new SpanLog();
        await using var store = new MemoryStreamStore();
        List<string> seen = [];
        var options = new ProcessOptions { Program = WorkerProgram.Path, Workers = 1 };
        await using var consecutor = new Consecutor<int>("a", source => source
            | Pipe.InProcesses<int, string>("traces", options) | Stage.Named("away")
            | seen.Add, new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal([$"{log.Sender.TraceId} {log["node away"].SpanId}"], seen);
        Assert.Equal(log["process a"].SpanId, log["node away"].ParentSpanId);
    }
}
