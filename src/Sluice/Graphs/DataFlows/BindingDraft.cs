namespace Sluice.Graphs;

/// <summary>
/// A draft of a graph's node: a function, or the join of a stage's functions. The layout fills it, the compiler reads it.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class BindingDraft(string name, BindingDraft[] parents)
{
    /// <summary>Its name in the topology; before the topology is made, the function's.</summary>
    public string Name { get; set; } = name;

    public BindingDraft[] Parents => parents;

    /// <summary>The length of the longest path to it.</summary>
    public int Level { get; } = parents.Length == 0 ? 0 : parents.Max(parent => parent.Level) + 1;

    /// <summary>Its number in the plan.</summary>
    public int Number { get; set; }

    /// <summary>The function; null for a join.</summary>
    public DataFlowFunction? Function { get; init; }

    /// <summary>One call for each implementation of a dispatch; otherwise one call.</summary>
    public List<FlowCall> Calls { get; } = [];

    /// <summary>The binding of the value that chooses the implementation; null without a choice.</summary>
    public ParameterBinding? Key { get; set; }

    public ResultBinding? Result { get; set; }

    public Type ValueType => Result!.NodeType;

    /// <summary>Pairs of sources whose values of the same name must be equal; for joins.</summary>
    public List<BindingSources[]> Meetings { get; } = [];

    /// <summary>Whether the function runs on a pool thread.</summary>
    public bool IsSynchronous => Function?.Signature?.IsSynchronous == true;
}

/// <summary>A function with the bindings of its arguments.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed record FlowCall(FunctionSignature Signature, ParameterBinding[] Arguments);
