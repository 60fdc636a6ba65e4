using System;
using System.Linq;

namespace Sluice.Generators;

/// <summary>The generated text for one method: its part of the file of its type, or the problem that prevents it.</summary>
internal sealed class StepText(string type, string opening, string closing, string members, string definition, string[] silenced,
    StepDiagnostic? problem) : IEquatable<StepText>
{
    /// <summary>The name of the type, as a file name.</summary>
    public string Type { get; } = type;

    /// <summary>The opening of the namespace and of the types around the members.</summary>
    public string Opening { get; } = opening;

    public string Closing { get; } = closing;

    public string Members { get; } = members;

    /// <summary>The field with the step's definition.</summary>
    public string Definition { get; } = definition;

    /// <summary>The ids of warnings to disable, which the compiler reports at the method.</summary>
    public string[] Silenced { get; } = silenced;

    public StepDiagnostic? Problem { get; } = problem;

    public static StepText Of(StepDiagnostic problem) => new("", "", "", "", "", [], problem);

    public bool Equals(StepText? other) => other is not null && Type == other.Type && Opening == other.Opening && Closing == other.Closing
        && Members == other.Members && Definition == other.Definition
        && Silenced.SequenceEqual(other.Silenced) && Equals(Problem, other.Problem);

    public override bool Equals(object? other) => Equals(other as StepText);

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Members);
}
