namespace Sluice;

/// <summary>A seeded source of random numbers that several threads may use.</summary>
internal sealed class LockedRandom(int seed) : Random(seed)
{
    private readonly Lock sync = new();

    protected override double Sample()
    {
        lock (sync) return base.Sample();
    }

    public override double NextDouble() => Sample();
}
