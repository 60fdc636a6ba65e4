using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>Joins several inputs, each driven by its own pump, into one operator: through rings, or in single-thread mode through a
/// gate.</summary>
internal readonly struct FanIn
{
    private readonly IslandPump? pump;
    private readonly SerialFanIn? gate;
    private readonly int capacity;

    public FanIn(RunBuilder builder, int node)
    {
        capacity = builder.Run.Options.MaxBufferedItems;
        if (builder.IsMultiThread) builder.Run.Add(pump = new IslandPump(builder.Run, node));
        else gate = new SerialFanIn(builder.Run);
    }

    public Inlet<T> AddInput<T>(Inlet<T> inlet) => pump?.AddInput(inlet, capacity) ?? gate!.AddInput(inlet);
}

internal static class FanInOptions
{
    public static void Check(string kind, StagePolicy policy, StageOptions options)
    {
        if (options.HasPolicy || options.Log is not null)
            throw new InvalidOperationException(
                $"{policy} does not fit here: a {kind} is not a function. Annotate the stages before or behind it.");
    }
}
