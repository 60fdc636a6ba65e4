using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A processor has ended, and its host dies before it closes the readers of its inputs. No service hosts it any more.</summary>
public class LeftReaderTests
{
    private static readonly Processor Counter = new("counter") { Outputs = ["x"] };
    private static readonly Processor Taker = new("taker") { Inputs = ["x"], Outputs = ["y"] };

    /// <remarks>Formerly the writer waited for room without end.</remarks>
    [Fact]
    public async Task AWriterClosesTheReadersOfAProcessorThatHasEnded()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab();
        Supervisor writer = lab.Join(options => options with { Time = clock }), dies = lab.Join(store: new OpenStore(lab.Store));
        writer.Register(Counter, async (IOWriter<int> x, CancellationToken cancellation) =>
        {
            for (int n = 0; n < 100; n++) await x.WriteAsync(n, cancellation);
        });
        dies.Register(Taker, static (IO<int> x) => Task.FromResult(1));          // its reader stays at the first value
        Flow flow = Flow.From(Counter, Taker).With("x", new() { MaxItems = 10 }).Resolve();
        await using FlowRun run = await writer.StartAsync(flow, [], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).Processors
            .Any(static one => one is { Name: "taker", Status: FlowStatus.Completed }));
        await dies.AbandonAsync();

        await clock.AdvanceUntilAsync(run.Completion);
    }

    /// <summary>Closes no reader behind the last commit of a processor.</summary>
    private sealed class OpenStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private volatile bool hasEnded;

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult result = await base.CommitAsync(commit, cancellation);
            if (commit.Ends.Count > 0) hasEnded = true;
            return result;
        }

        public override async ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default)
        {
            if (hasEnded) await Task.Delay(Timeout.Infinite, cancellation);
            await base.CloseReaderAsync(stream, reader, cancellation);
        }
    }
}
