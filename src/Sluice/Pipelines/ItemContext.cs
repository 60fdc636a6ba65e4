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
    /// What an operator that holds or combines items puts out has the key <c>derived</c>.
    /// </summary>
    public string Id => (ticket ?? context.Ticket) is { } known
        ? string.Create(CultureInfo.InvariantCulture, $"{context.Run.NameOf(known.Source)}/{known.Sequence}")
        : "derived";

    /// <summary>The name of the node.</summary>
    public string Node => context.Run.NameOf(context.Node);

    /// <summary>The number of this attempt, from 1.</summary>
    public int Attempt => context.Attempt;

    /// <summary>The run.</summary>
    public Run Run => context.Run;
}
