namespace Sluice.Engine;

/// <summary>
/// The end of a branch behind its sink. All lanes, branches and runs share it: its only state is a count of inputs that is never read.
/// </summary>
internal sealed class Terminal : Inlet<Unit>
{
    private Terminal() => Node = -1;

    public static Terminal Shared { get; } = new();

    public override void Attach(IUpstream upstream) { }

    public override ValueTask PushAsync(Unit item, Ticket? ticket) => default;

    protected override ValueTask OnCompleteAsync() => default;
}
