using Sluice.Engine;

namespace Sluice.Tests.Engine;

/// <summary>What a stage with a policy puts out outside of an attempt rests in batches further down until a flush.</summary>
public class HoldingTests
{
    [Fact]
    public async Task AFlushGoesThroughWhatHoldsOutputs()
    {
        await using PipelineRun run = (Source.From([1]) | (_ => { })).Start();
        var next = new Next();
        var held = new Holding<int>(new StageContext(run, 0), next);
        await held.PushAsync(1, null);               // in an attempt
        held.Flush();
        Assert.Equal((1, 0), (next.Flushes, next.Items));
        await run.Completion;
    }

    private sealed class Next : Inlet<int>
    {
        public int Flushes { get; private set; }

        public int Items { get; private set; }

        public override ValueTask PushAsync(int item, Ticket? ticket)
        {
            Items++;
            return default;
        }

        public override void Flush() => Flushes++;

        protected override ValueTask OnCompleteAsync() => default;
    }
}
