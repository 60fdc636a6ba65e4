namespace Sluice;

/// <summary>The end of a branch that ends in a sink. Shared by all lanes, branches and runs: it has no state, but for a count of inputs that nobody reads.</summary>
internal sealed class Terminal : Inlet<Unit>
{
    private Terminal() => Node = -1;

    public static Terminal Shared { get; } = new();

    public override void Attach(IUpstream upstream) { }

    public override ValueTask PushAsync(Unit item, Ticket? ticket) => default;

    protected override ValueTask OnCompleteAsync() => default;
}
