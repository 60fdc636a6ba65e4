using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>A node of the graph that a flow is laid out as: a function, or the place where those of a stage meet. Filled by the layout, read by what makes code of it.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class BindingDraft(string name, BindingDraft[] parents)
{
    /// <summary>Its name in the topology; until that is made, the function's.</summary>
    public string Name { get; set; } = name;

    public BindingDraft[] Parents => parents;

    /// <summary>The longest way to it.</summary>
    public int Level { get; } = parents.Length == 0 ? 0 : parents.Max(parent => parent.Level) + 1;

    /// <summary>Its number in the plan.</summary>
    public int Number { get; set; }

    /// <summary>Null where functions meet.</summary>
    public DataFlowFunction? Function { get; init; }

    /// <summary>One for each implementation of a dispatch, else one.</summary>
    public List<FlowCall> Calls { get; } = [];

    /// <summary>Where the value is that chooses among the implementations.</summary>
    public ParameterBinding? Key { get; set; }

    public ResultBinding? Result { get; set; }

    public Type ValueType => Result!.NodeType;

    /// <summary>What must be equal where functions meet.</summary>
    public List<BindingSources[]> Meetings { get; } = [];

    /// <summary>Whether it computes on a worker.</summary>
    public bool IsSynchronous => Function?.Signature?.IsSynchronous == true;
}

/// <summary>A function and where its arguments come from.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed record FlowCall(FunctionSignature Signature, ParameterBinding[] Arguments);
