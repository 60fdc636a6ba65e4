using System.Linq;

namespace Sluice.Generators;

/// <summary>The return type of a method, and the value type of its future.</summary>
internal sealed class StepResult
{
    private const string Tasks = "System.Threading.Tasks";

    private readonly IMethodSymbol method;

    public StepResult(IMethodSymbol method)
    {
        this.method = method;
        ITypeSymbol type = method.ReturnType;
        bool isTask = type is INamedTypeSymbol { MetadataName: "Task" or "Task`1" } && IsOfTasks(type);
        bool isValueTask = type is INamedTypeSymbol { MetadataName: "ValueTask" or "ValueTask`1" } && IsOfTasks(type);
        Value = method.ReturnsVoid || ((isTask || isValueTask) && ((INamedTypeSymbol)type).Arity == 0) ? null
            : isTask || isValueTask ? ((INamedTypeSymbol)type).TypeArguments[0]
            : type;
        (IsTask, IsValueTask) = (isTask, isValueTask);
    }

    public bool IsTask { get; }

    public bool IsValueTask { get; }

    /// <summary>The type of the value; null if there is none.</summary>
    public ITypeSymbol? Value { get; }

    public string Future => Value is null ? "global::Sluice.Graphs.Future" : $"global::Sluice.Graphs.Future<{StepNames.Of(Value)}>";

    /// <summary>The value type of the call, as text.</summary>
    public string Written => Value is null ? "global::Sluice.Unit" : StepNames.Of(Value);

    /// <summary>
    /// The call of the method, converted to the declared result: a null task throws, and a dynamic result becomes an object.
    /// </summary>
    public string Checked(string call)
    {
        if (IsTask && !(method.PartialImplementationPart ?? method).IsAsync)
            return $"({call} ?? throw new global::System.InvalidOperationException(\"{method.Name} returned null instead of a task.\"))";
        if (method.ReturnType.TypeKind == TypeKind.Dynamic) return $"(object){call}!";
        return method.GetReturnTypeAttributes().Any(attribute => attribute.AttributeClass is { Name: "MaybeNullAttribute" })
            && !method.ReturnsVoid ? $"{call}!" : call;
    }

    /// <summary>The reason why a step cannot return it; null if it can.</summary>
    public static string? Problem(IMethodSymbol method)
    {
        if (method.RefKind != RefKind.None) return "it is returned by reference";
        if (method.ReturnType.IsRefLikeType)
            return $"{method.ReturnType.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)} lives on the stack; return an "
                + $"array or a Memory";
        if (StepParameter.HoldsPointers(method.ReturnType))
            return method.ReturnType.TypeKind is TypeKind.Pointer or TypeKind.FunctionPointer ? "it is a pointer" : "it holds pointers";
        if (method.ReturnType is ITypeParameterSymbol { AllowsRefLikeType: true })
            return "its type may be one that lives on the stack (allows ref struct)";
        if (new StepResult(method).Value is INamedTypeSymbol
            {
                MetadataName: "Task" or "Task`1" or "ValueTask" or "ValueTask`1" or "Future"
            or "Future`1"
            } work && (IsOfTasks(work) || work.ContainingNamespace?.ToDisplayString() == "Sluice.Graphs"))
            return $"the step would end without waiting for the {work.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)}, and "
                + $"its failure would be lost; await it in the method";
        return (method.PartialImplementationPart ?? method) is { IsAsync: true, ReturnsVoid: true }
            ? "the end of an 'async void' method cannot be awaited; return a Task" : null;
    }

    private static bool IsOfTasks(ITypeSymbol type) => type.ContainingNamespace?.ToDisplayString() == Tasks;
}
