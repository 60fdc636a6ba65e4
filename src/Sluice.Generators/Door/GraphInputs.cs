namespace Sluice.Generators;

/// <summary>The inputs of a graph node's function: the result of each parent, or the request if there are no parents.</summary>
internal sealed class GraphInputs
{
    private readonly (string Name, ITypeSymbol Type)[] inputs;

    private GraphInputs((string, ITypeSymbol)[] inputs, string verb) => (this.inputs, Verb) = (inputs, verb);

    public int Count => inputs.Length;

    /// <summary>The verb of a message that has the parent as its subject.</summary>
    public string Verb { get; }

    /// <returns>The inputs; null if a parent is no node.</returns>
    public static GraphInputs? Of(INamedTypeSymbol builder, IEnumerable<ExpressionSyntax> parents, SemanticModel model)
    {
        ExpressionSyntax[] all = [.. parents];
        if (all.Length == 0) return new([("the graph", builder.TypeArguments[0])], "is asked with");
        if (all.Length == 1 && Context(builder, model) is { } context && IsList(all[0], model))
            return new([("the graph", context)], "shows a");
        if (!all.All(parent => IsParent(model.GetTypeInfo(parent).Type))) return null;
        return new([.. all.Select(parent => (StageText.Short(parent),
            ((INamedTypeSymbol)model.GetTypeInfo(parent).Type!).TypeArguments[0]))], "produces");
    }

    public static bool IsParent(ITypeSymbol? type)
        => type is INamedTypeSymbol
        {
            Name: "GraphNode", Arity: 1,
            ContainingNamespace: { Name: "Graphs", ContainingNamespace: { Name: "Sluice", ContainingNamespace.IsGlobalNamespace: true } }
        };

    public string Name(int index) => inputs[index].Name;

    public ITypeSymbol Type(int index) => inputs[index].Type;

    /// <summary>The inputs for a message: <c>'int' ('number')</c>, or several of these.</summary>
    public string Describe(SemanticModel model, int position) =>
        string.Join(", ",
        inputs.Select(input =>
            $"'{input.Type.ToMinimalDisplayString(model, position)}' ({(Verb == "produces" ? $"'{input.Name}'" : Verb == "shows a" ? "of a list of parents" : "the request")})"));

    private static bool IsList(ExpressionSyntax parents, SemanticModel model) =>
        parents.WithoutParentheses() is CollectionExpressionSyntax
        || (model.GetTypeInfo(parents).Type is { } type && SluiceSymbols.IsSequence(type));

    private static INamedTypeSymbol? Context(INamedTypeSymbol builder, SemanticModel model) =>
        model.Compilation.GetTypeByMetadataName("Sluice.Graphs.GraphContext`1")?.Construct(builder.TypeArguments[0]);
}
