namespace Sluice;

/// <summary>Where the outputs of a guarded stage rest until the attempt has succeeded.</summary>
internal sealed class Holding<T> : Inlet<T>
{
    private readonly Inlet<T> next;

    public Holding(int node, Inlet<T> next) => (Node, this.next) = (node, next);

    public List<T> Items { get; } = [];

    /// <summary>The stage has come to its end: what it puts out belongs to no attempt any more.</summary>
    public bool PassesThrough { get; set; }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (PassesThrough) return next.PushAsync(item, ticket);
        Items.Add(item);
        return default;
    }

    protected override ValueTask OnCompleteAsync() => next.CompleteAsync();
}
