using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Delivery;

/// <summary>The source of a consecutor's pipeline, as a piece of the graph.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class LeaseSource<T>(string name, StageOptions options) : LeafSource<T>(options)
{
    public const string KindName = "consecutor";

    private protected override string Kind => KindName;

    private protected override string? Hint => name;

    private protected override Source<T> With(StageOptions annotated) => new LeaseSource<T>(name, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
    {
        if (context.Run.Options.Following is not { Feeder: ConsecutorCore core } following)
            throw new InvalidTopologyException(
                $"The source of the consecutor {name} gives items to its own pipeline only. Start the consecutor.");
        if (following.HasEntrances) return new EntrancePump<T>(context, next, core.Entrances);
        return core.Rounds is null ? new LeasePump<T>(context, next, core) : new RoundPump<T>(context, next, core);
    }
}
