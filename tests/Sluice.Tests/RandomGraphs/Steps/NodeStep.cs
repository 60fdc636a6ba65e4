namespace Sluice.Tests.RandomGraphs;

/// <summary>A node class that pushes up to two items per item, and optionally one more at its end.</summary>
internal sealed record NodeStep(int Id, Policy Policy, Pace Pace, bool PushesAtEnd) : FunctionStep(Id, Policy, Pace)
{
    public override string Name => $"node-{Id}";

    protected override Work Work => base.Work with { MostOfOne = 2, AtEnd = AtEnd() };

    protected override IEnumerable<long> Outputs(long value)
        => Enumerable.Range(0, Mixing.Roll(value, Id, 3)).Select(n => Mixing.Mix(value, (Id * 1000L) + n));

    protected override Source<long> Apply(Source<long> source, Rig rig, Probe probe)
        => source | StageNode.Of(() => new Pusher(this, rig, probe));

    public override IEnumerable<string> Lines() => [$"| {Name} {Pace}{(PushesAtEnd ? " pushes at its end" : "")}{Policy}"];

    // In lanes every instance has an end of its own, and the oracle does not know the number of instances.
    private bool PushesLast => PushesAtEnd && Policy is { Parallel: 1, KeyLanes: 0 };

    // Independent of the items before: their number varies if a step downstream ends early.
    private IEnumerable<long> AtEnd() => PushesLast ? [Mixing.Mix(-1, Id)] : [];

    private sealed class Pusher(NodeStep step, Rig rig, Probe probe) : StageNode<long, long>, IAsyncDisposable
    {
        protected override ValueTask BeginAsync(CancellationToken cancellation)
        {
            Interlocked.Increment(ref probe.Begun);
            return rig.PauseAsync(step.Pace, cancellation);
        }

        protected override async ValueTask ProcessAsync(long item, Output<long> output, CancellationToken cancellation)
        {
            probe.Enter(item);
            try
            {
                await rig.PauseAsync(step.Pace, cancellation);
                probe.MayFail(item);
            }
            finally
            {
                probe.Exit(item);
            }
            foreach (long value in step.Outputs(item)) await output.PushAsync(value);
        }

        protected override async ValueTask EndAsync(Output<long> output, CancellationToken cancellation)
        {
            Interlocked.Increment(ref probe.Ended);
            foreach (long value in step.AtEnd()) await output.PushAsync(value);
        }

        public async ValueTask DisposeAsync()
        {
            await rig.PauseAsync(step.Pace, default);
            Interlocked.Increment(ref probe.Disposed);
        }
    }
}
