using System.Globalization;

namespace Sluice;

/// <summary>What a sink may want to know about the item it is given, beside the item.</summary>
/// <remarks>Valid during the call only.</remarks>
public readonly struct ItemContext
{
    private readonly StageContext context;
    private readonly Ticket? ticket;

    internal ItemContext(StageContext context, Ticket? ticket) => (this.context, this.ticket) = (context, ticket);

    /// <summary>
    /// A key of the root item that this one comes from, the same at every attempt: the name of the source and the item's number in it, from 0, as <c>orders/41</c>. Unique within a run.
    /// What an operator that holds or combines items puts out has the key <c>derived</c>. In a consecutor it is the id of the accepted item,
    /// <c>payments/3/42@1</c>: unique for ever, and the same after restarts; the key for effects outside of the store.
    /// </summary>
    public string Id => (ticket ?? context.Ticket) is { } known
        ? known.Id ?? string.Create(CultureInfo.InvariantCulture, $"{context.Run.NameOf(known.Source)}/{known.Sequence}")
        : "derived";

    /// <summary>The name of the node.</summary>
    public string Node => context.Run.NameOf(context.Node);

    /// <summary>The number of this attempt, from 1: of the stage's, and in a consecutor of all replays before.</summary>
    public int Attempt => context.Attempt + ((ticket ?? context.Ticket)?.EarlierAttempts ?? 0);

    /// <summary>The run.</summary>
    public PipelineRun Run => context.Run;
}
