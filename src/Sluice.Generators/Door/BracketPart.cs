namespace Sluice.Generators;

/// <summary>The kind of an element in brackets, as far as it is known without them.</summary>
internal enum PartKind
{
    Brackets,
    Lambda,
    Methods,
    Pipe,
    Sink,
    Router,
    Consecutor,
    Source,
    Node,
    Form,
    Other,
}

/// <summary>One element of brackets behind a stage.</summary>
internal sealed class BracketPart
{
    private BracketPart(ExpressionSyntax written, PartKind kind, INamedTypeSymbol? type, IMethodSymbol[] methods)
        => (Written, Kind, Type, Methods) = (written, kind, type, methods);

    public ExpressionSyntax Written { get; }

    public PartKind Kind { get; }

    /// <summary>Its type, if that is one of Sluice.</summary>
    public INamedTypeSymbol? Type { get; }

    /// <summary>The methods that a name stands for, or the function of a lambda with parameter types.</summary>
    public IMethodSymbol[] Methods { get; }

    /// <summary>The only method, or the function of a lambda; null if there are several or none.</summary>
    public IMethodSymbol? Method => Methods.Length == 1 ? Methods[0] : null;

    public string Text => StageText.Short(Written);

    public static List<BracketPart> Of(CollectionExpressionSyntax brackets, SemanticModel model, SluiceSymbols symbols) =>
        [.. brackets.Elements.OfType<ExpressionElementSyntax>()
        .Select(element => Of(element.Expression.WithoutParentheses(), model, symbols))];

    /// <summary>The type that a pipe, a sink or a function takes; null if it is not known.</summary>
    public ITypeSymbol? Takes() => Kind switch
    {
        PartKind.Pipe or PartKind.Sink or PartKind.Consecutor => Type!.TypeArguments[0],
        PartKind.Methods when Method is { Parameters.IsEmpty: false } method => method.Parameters[0].Type,
        _ => null,
    };

    /// <summary>The type of its outputs: of a pipe, a function that returns an item, or a branch; null if there are none.</summary>
    public ITypeSymbol? PutsOut(SluiceSymbols symbols) => Kind switch
    {
        PartKind.Pipe => Type!.TypeArguments[1],
        PartKind.Methods when Method is { ReturnsVoid: false } method && !IsEnd(method, symbols) => symbols.Awaited(method.ReturnType),
        PartKind.Lambda when Method is { } function => symbols.ItemOf(function.ReturnType),
        _ => null,
    };

    /// <summary>Whether items end in it: a sink.</summary>
    public bool IsEnd(SluiceSymbols symbols) => Kind switch
    {
        PartKind.Sink or PartKind.Consecutor => true,
        PartKind.Methods => Methods.All(method => IsEnd(method, symbols)),
        PartKind.Lambda => Method is { } function && symbols.ItemOf(function.ReturnType) is null,
        _ => false,
    };

    /// <summary>The text of the branch as a pipe, for brackets where all branches must be pipes.</summary>
    public string AsPipe(string item)
    {
        string pipe = $"Pipe.Of<{item}>()";
        if (Kind is PartKind.Methods or PartKind.Form) return $"{pipe} | {Text}";
        if (Written is not LambdaExpressionSyntax { ExpressionBody: { } body } lambda || lambda.Parameter() is not { } parameter)
            return $"{pipe} | …";
        ExpressionSyntax first = body;
        while (first is BinaryExpressionSyntax stage) first = stage.Left;
        return first.ToString() == parameter.Identifier.Text ? pipe + StageText.Short(body).Substring(parameter.Identifier.Text.Length)
            : $"{pipe} | …";
    }

    /// <summary>Whether a method can be a sink: a <c>Task&lt;T&gt;</c> passes for a <c>Task</c>.</summary>
    private static bool IsEnd(IMethodSymbol method, SluiceSymbols symbols)
        => method.ReturnsVoid || (symbols.IsTask(method.ReturnType)
        && (method.ReturnType.Name == "Task" || method.ReturnType is INamedTypeSymbol { Arity: 0 }));

    private static BracketPart Of(ExpressionSyntax written, SemanticModel model, SluiceSymbols symbols)
    {
        if (written is CollectionExpressionSyntax) return new(written, PartKind.Brackets, null, []);
        if (written is LambdaExpressionSyntax lambda)
        {
            bool isTyped = lambda.Parameter() is { Type: not null };
            return new(written, PartKind.Lambda, null, isTyped && model.GetSymbolInfo(lambda).Symbol is IMethodSymbol function ? [function]
                : []);
        }
        if (model.MethodGroup(written) is { Length: > 0 } methods) return new(written, PartKind.Methods, null, methods);
        for (var type = model.GetTypeInfo(written).Type as INamedTypeSymbol; type is not null; type = type.BaseType)
        {
            if (!symbols.IsOurs(type)) continue;
            if (type is { Arity: 0, Name: "ItemPipe" or "ChunkPipe" or "WindowPipe" }) return new(written, PartKind.Form, type, []);
            if (type.Arity == 0) continue;
            PartKind kind = type.Name switch
            {
                "Pipe" => PartKind.Pipe,
                "Sink" => PartKind.Sink,
                "Router" => PartKind.Router,
                "Consecutor" => PartKind.Consecutor,
                "Source" => PartKind.Source,
                "StageNode" or "SinkNode" => PartKind.Node,
                _ => PartKind.Other,
            };
            if (kind != PartKind.Other) return new(written, kind, type, []);
        }
        return new(written, PartKind.Other, null, []);
    }
}
