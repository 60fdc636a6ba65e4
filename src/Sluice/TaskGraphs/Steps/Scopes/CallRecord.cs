namespace Sluice;

/// <summary>What a scope remembers of a call, for the picture. Written by whoever begins, runs or ends the call; read by any thread.</summary>
internal sealed class CallRecord(StepScope scope, int number, StepDefinition definition, Type? output)
{
    public StepScope Scope => scope;

    /// <summary>From 0, in the order of the calls.</summary>
    public int Number => number;

    public StepDefinition Definition => definition;

    public Type? Output => output;

    public CallRecord[] Dependencies { get; set; } = [];

    public int Attempts { get; set; } = 1;

    /// <summary>Timestamps of the clock; zero if it has not.</summary>
    public long Started { get; set; }

    /// <inheritdoc cref="Started"/>
    public long Ended { get; set; }

    public FutureStatus Status { get; set; }
}
