using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>An inspector waits for no store.</summary>
public class FlowInspectorTests
{
    private static readonly Processor First = new("first") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task AStoreThatDoesNotAnswerFailsALookAsTheStoreDoes()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(First, (IO<int> x) => x.FirstAsync());
        await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)], run: "r",
            cancellation: FlowLab.Cancellation);
        await run.Completion;
        await using var away = new AwayStore(lab.Store);
        await FailsAsync(async () => await FlowInspector.ListAsync(away, cancellation: FlowLab.Cancellation).GetAsyncEnumerator()
            .MoveNextAsync());
        await FailsAsync(() => FlowInspector.FindAsync(away, "r", FlowLab.Cancellation));
        await FailsAsync(() => new FlowRunInspector(away).GlanceAsync("r", FlowLab.Cancellation));

        static async Task FailsAsync(Func<Task> look)
            => Assert.Equal("away", (await Assert.ThrowsAsync<StreamStoreException>(look)).Message);
    }

    private sealed class AwayStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => throw new StreamStoreException("away");

        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => throw new StreamStoreException("away");
    }
}
