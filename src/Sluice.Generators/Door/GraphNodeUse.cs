namespace Sluice.Generators;

/// <summary>Follows the parents of graph nodes through the locals of one method.</summary>
internal sealed class GraphNodeUse
{
    private readonly IOperation root;

    public GraphNodeUse(IOperation within)
    {
        root = within;
        while (root.Parent is not null) root = root.Parent;
    }

    public static bool IsAdd(IInvocationOperation call)
        => call.TargetMethod is { Name: "Add", ContainingType: { Name: "GraphBuilder", Arity: 1 } };

    /// <summary>The variable that has a node; null if it is no variable.</summary>
    public static ISymbol? Of(IOperation value) => Unwrapped(value) switch
    {
        ILocalReferenceOperation local => local.Local,
        IFieldReferenceOperation { Instance: null or IInstanceReferenceOperation } field => field.Field,
        IPropertyReferenceOperation { Instance: null or IInstanceReferenceOperation } property => property.Property,
        IParameterReferenceOperation parameter => parameter.Parameter,
        _ => null,
    };

    /// <summary>Whether it is certain that a node has another one neither among its parents nor among their ancestors.</summary>
    /// <param name="adds">The call that adds the node.</param>
    /// <param name="other">The variable of the other node. It is certain only for a local that is set once, to an added node.</param>
    /// <param name="parents">The list of the parents, as it is written.</param>
    public bool Lacks(IInvocationOperation adds, ISymbol other, out string? parents)
    {
        parents = null;
        if (other is not ILocalSymbol asked || Added(asked) is not { } sought) return false;
        if (Parents(adds) is not { } first || first.Count == 0) return false;
        parents = $"[{string.Join(", ", first.Select(static parent => parent.Syntax.ToString()))}]";
        var open = new Stack<IOperation>(first);
        var seen = new HashSet<ISymbol>(SymbolEqualityComparer.Default);
        while (open.Count > 0)
        {
            var next = open.Pop();
            if (IsRequest(next)) continue;
            if (Of(next) is not { } variable) return false;
            if (!seen.Add(variable)) continue;
            if (variable is not ILocalSymbol local || Added(local) is not { } call || call.Syntax == sought.Syntax
                || Parents(call) is not { } its) return false;
            foreach (var parent in its) open.Push(parent);
        }
        return true;
    }

    /// <summary>The call that adds the node of a local that is set once.</summary>
    private IInvocationOperation? Added(ILocalSymbol local)
    {
        IInvocationOperation? found = null;
        foreach (var operation in root.Descendants())
            switch (operation)
            {
                case IVariableDeclaratorOperation declarator when SluiceSymbols.Same(declarator.Symbol, local):
                    found = AddOf(declarator.Initializer?.Value);
                    if (found is null) return null;
                    break;
                case IAssignmentOperation { Target: ILocalReferenceOperation target } when SluiceSymbols.Same(target.Local, local):
                    return null;
                case IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out, Value: ILocalReferenceOperation passed }
                    when SluiceSymbols.Same(passed.Local, local):
                    return null;
            }
        return found;
    }

    // Options follow the call: graph.Add(…).Retry(2).
    private static IInvocationOperation? AddOf(IOperation? value)
    {
        while (Unwrapped(value) is IInvocationOperation call)
        {
            if (IsAdd(call)) return call;
            if (call.TargetMethod.ContainingType is not { Name: "GraphNode" }) return null;
            value = call.Instance;
        }
        return null;
    }

    /// <summary>The parents as they are written; null if they are not written there.</summary>
    private static List<IOperation>? Parents(IInvocationOperation adds)
    {
        List<IOperation> parents = [];
        foreach (var argument in adds.Arguments)
        {
            if (argument.Parameter is not { Name: not "name", Type.TypeKind: not TypeKind.Delegate } parameter) continue;
            var value = Unwrapped(argument.Value);
            if (GraphInputs.IsParent(parameter.Type)) parents.Add(value!);
            else if (value is ICollectionExpressionOperation list && !list.Elements.Any(static one => one is ISpreadOperation))
                parents.AddRange(list.Elements.Select(static one => Unwrapped(one)!));
            else if (value is IArrayCreationOperation { Initializer: { } array })
                parents.AddRange(array.ElementValues.Select(static one => Unwrapped(one)!));
            else return null;
        }
        return parents;
    }

    private static bool IsRequest(IOperation value)
        => value is IPropertyReferenceOperation { Property: { Name: "Request", ContainingType.Name: "GraphBuilder" } };

    private static IOperation? Unwrapped(IOperation? value)
    {
        while (value is IConversionOperation or IParenthesizedOperation)
            value = value is IConversionOperation conversion ? conversion.Operand : ((IParenthesizedOperation)value).Operand;
        return value;
    }
}
