namespace Sluice;

/// <summary>What comes out of a sink: nothing. A sink is a pipe of this output type.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1815", Justification = "There is one value of it.")]
public readonly struct Nothing;

/// <summary>The end of a branch that ends in a sink. Shared by all lanes and branches: it has no state.</summary>
internal sealed class Terminal : Inlet<Nothing>
{
    public Terminal() => Node = -1;

    public override ValueTask PushAsync(Nothing item, Ticket? ticket) => default;

    protected override ValueTask OnCompleteAsync() => default;
}
