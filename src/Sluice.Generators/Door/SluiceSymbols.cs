namespace Sluice.Generators;

/// <summary>The types of the pipeline door and the task types, looked up once per compilation.</summary>
internal sealed class SluiceSymbols
{
    private readonly INamedTypeSymbol source;
    private readonly INamedTypeSymbol? pipe;
    private readonly INamedTypeSymbol? operators;
    private readonly INamedTypeSymbol? forms;
    private readonly INamedTypeSymbol? annotations;
    private readonly IAssemblySymbol core;
    private readonly IAssemblySymbol looked;
    private readonly INamedTypeSymbol?[] taskLike;

    private SluiceSymbols(Compilation compilation, INamedTypeSymbol source)
    {
        this.source = source;
        core = source.ContainingAssembly;
        looked = compilation.Assembly;
        pipe = compilation.GetTypeByMetadataName("Sluice.Pipe`2");
        Run = compilation.GetTypeByMetadataName("Sluice.PipelineRun");
        Pipeline = compilation.GetTypeByMetadataName("Sluice.Pipeline");
        operators = compilation.GetTypeByMetadataName("Sluice.Operators");
        forms = compilation.GetTypeByMetadataName("Sluice.Pipe");
        annotations = compilation.GetTypeByMetadataName("Sluice.Stage");
        taskLike =
        [
            compilation.GetTypeByMetadataName("System.Threading.Tasks.Task"),
            compilation.GetTypeByMetadataName("System.Threading.Tasks.Task`1"),
            compilation.GetTypeByMetadataName("System.Threading.Tasks.ValueTask"),
            compilation.GetTypeByMetadataName("System.Threading.Tasks.ValueTask`1"),
        ];
    }

    public INamedTypeSymbol? Run { get; }

    public INamedTypeSymbol? Pipeline { get; }

    /// <summary>Null where the compilation does not know Sluice: then no rule has anything to do.</summary>
    public static SluiceSymbols? Find(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Sluice.Source`1") is { } source ? new SluiceSymbols(compilation, source) : null;

    public static bool Same(ISymbol? left, ISymbol? right) => SymbolEqualityComparer.Default.Equals(left, right);

    /// <summary>Whether the method belongs to Sluice or a package of it, and not to the code that is looked at.</summary>
    public bool IsOurs(IMethodSymbol method)
    {
        if (Same(method.ContainingAssembly, core)) return true;
        if (Same(method.ContainingAssembly, looked)) return false;
        var space = method.ContainingNamespace;
        while (space is { IsGlobalNamespace: false, ContainingNamespace.IsGlobalNamespace: false }) space = space.ContainingNamespace;
        return space is { Name: "Sluice" };
    }

    /// <summary>What comes out of a <c>Source&lt;T&gt;</c> (or a class derived from it) or <c>Pipe&lt;_, T&gt;</c>; null for anything
    /// else.</summary>
    public ITypeSymbol? ItemOf(ITypeSymbol? type)
    {
        for (var candidate = type as INamedTypeSymbol; candidate is not null; candidate = candidate.BaseType)
        {
            if (Same(candidate.OriginalDefinition, source)) return candidate.TypeArguments[0];
            if (Same(candidate.OriginalDefinition, pipe)) return candidate.TypeArguments[1];
        }

        return null;
    }

    public bool IsPipe(ITypeSymbol? type) => Same(type?.OriginalDefinition, pipe);

    public bool IsTask(ITypeSymbol? type) => type is not null && taskLike.Any(known => Same(known, type.OriginalDefinition));

    /// <summary>The <c>T</c> of <c>Task&lt;T&gt;</c> and <c>ValueTask&lt;T&gt;</c>, any other type itself.</summary>
    public ITypeSymbol Awaited(ITypeSymbol type) =>
        IsTask(type) && type is INamedTypeSymbol { Arity: 1 } task ? task.TypeArguments[0] : type;

    /// <summary>Whether sources have an operator of that name.</summary>
    public bool HasOperator(string name) => operators is not null && !operators.GetMembers(name).IsEmpty;

    /// <summary>Whether the operator fits into a chain as well: <c>| Pipe.Chunk(100)</c>.</summary>
    public bool HasForm(string name) => forms is not null && !forms.GetMembers(name).IsEmpty;

    /// <summary>Whether it is an annotation, or what makes one: <c>Stage.Parallel(8)</c>.</summary>
    public bool HasAnnotation(string name) => annotations is not null && annotations.GetMembers(name).OfType<IMethodSymbol>().Any();

    /// <summary>Whether it is the class whose methods are operators that fit into a chain.</summary>
    public bool IsForms(ITypeSymbol type) => Same(type, forms);

    public bool IsOurs(ITypeSymbol type) => Same(type.ContainingAssembly, core);

    /// <summary>Members of the library that are there to be refused by the compiler, with a sentence.</summary>
    public bool IsRefusal(ISymbol? symbol) => symbol is IMethodSymbol method && IsOurs(method)
        && method.OriginalDefinition.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == nameof(ObsoleteAttribute) && attribute.ConstructorArguments.Length == 2 && attribute.ConstructorArguments[1].Value is true);

    /// <summary>Arrays, lists and other sequences, but for text.</summary>
    public static bool IsSequence(ITypeSymbol type) => type.SpecialType != SpecialType.System_String
        && type.AllInterfaces.Append(type).Any(known => known.MetadataName is "IEnumerable`1" or "IAsyncEnumerable`1");
}
