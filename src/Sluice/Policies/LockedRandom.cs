namespace Sluice.Policies;

/// <summary>A seeded, thread-safe random number generator.</summary>
internal sealed class LockedRandom(int seed) : Random(seed)
{
    private readonly Lock sync = new();

    protected override double Sample()
    {
        lock (sync) return base.Sample();
    }

    public override double NextDouble() => Sample();
}
