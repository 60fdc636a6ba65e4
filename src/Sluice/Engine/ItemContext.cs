using Sluice.Engine;

namespace Sluice;

/// <summary>Describes the item that the code of a node works on: its id, its node, its attempt and its run.</summary>
/// <remarks>Sinks take it as an argument, and so does <see cref="RunOptions.BeginItem"/>. It is valid during that call only.</remarks>
public readonly struct ItemContext
{
    private readonly StageContext context;
    private readonly Ticket? ticket;

    internal ItemContext(StageContext context, Ticket? ticket) => (this.context, this.ticket) = (context, ticket);

    /// <summary>The key of the root item that this item comes from, equal at every attempt and unique within a run: the name of the source
    /// and the item's number in it, from 0, as in <c>orders/41</c>. An item that an operator made from held or combined items has the key
    /// <c>derived</c>. In a consecutor it is the id of the accepted item, <c>payments/3/42@1</c>: unique for ever and equal after restarts.
    /// Use it as the key of effects outside of the store.</summary>
    public string Id => (ticket ?? context.Ticket) is { } known
        ? known.Id ?? string.Create(CultureInfo.InvariantCulture, $"{context.Run.NameOf(known.Source)}/{known.Sequence}")
        : "derived";

    /// <summary>The name of the node.</summary>
    public string Node => context.Run.NameOf(context.Node);

    /// <summary>The number of this attempt, from 1. It counts the attempts of the stage, and in a consecutor the earlier replays
    /// too.</summary>
    public int Attempt => context.Attempt + ((ticket ?? context.Ticket)?.EarlierAttempts ?? 0);

    /// <summary>The run that processes the item.</summary>
    public PipelineRun Run => context.Run;
}
