namespace Sluice.Generators;

/// <summary>The types of Sluice and the task types, looked up once per compilation.</summary>
internal sealed class SluiceSymbols
{
    private readonly INamedTypeSymbol source;
    private readonly INamedTypeSymbol? pipe;
    private readonly INamedTypeSymbol? sourceOperators;
    private readonly INamedTypeSymbol? pipeOperators;
    private readonly INamedTypeSymbol? forms;
    private readonly INamedTypeSymbol? annotations;
    private readonly IAssemblySymbol core;
    private readonly IAssemblySymbol looked;
    private readonly INamedTypeSymbol?[] started;
    private readonly INamedTypeSymbol?[] taskLike;

    private SluiceSymbols(Compilation compilation, INamedTypeSymbol source)
    {
        this.source = source;
        core = source.ContainingAssembly;
        looked = compilation.Assembly;
        pipe = compilation.GetTypeByMetadataName("Sluice.Pipe`2");
        Run = compilation.GetTypeByMetadataName("Sluice.PipelineRun");
        Pipeline = compilation.GetTypeByMetadataName("Sluice.Pipeline");
        started =
        [
            Pipeline,
            compilation.GetTypeByMetadataName("Sluice.Consecutor`1"),
            compilation.GetTypeByMetadataName("Sluice.IConsecutor"),
            compilation.GetTypeByMetadataName("Sluice.ISender`1"),
            compilation.GetTypeByMetadataName("Sluice.ConsecutorBatch`1"),
            compilation.GetTypeByMetadataName("Sluice.ManualSource`1"),
            compilation.GetTypeByMetadataName("Sluice.PostgreSql.TransactionSends"),
            compilation.GetTypeByMetadataName("Sluice.Flows.Supervisor"),
            compilation.GetTypeByMetadataName("Sluice.Flows.ISupervisor"),
        ];
        sourceOperators = compilation.GetTypeByMetadataName("Sluice.SourceExtensions");
        pipeOperators = compilation.GetTypeByMetadataName("Sluice.PipeExtensions");
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

    /// <summary>Whether a type runs by itself, or sends to one that does: a pipeline, a consecutor, a batch, a source by hand, or a
    /// supervisor.</summary>
    public bool IsStarted(INamedTypeSymbol type) => started.Any(known => known is not null && Same(known, type.OriginalDefinition));

    /// <summary>The symbols; null if the compilation does not reference Sluice, and no rule applies.</summary>
    public static SluiceSymbols? Find(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Sluice.Source`1") is { } source ? new SluiceSymbols(compilation, source) : null;

    public static bool Same(ISymbol? left, ISymbol? right) => SymbolEqualityComparer.Default.Equals(left, right);

    /// <summary>Whether the method belongs to Sluice or one of its packages, not to the analysed code.</summary>
    public bool IsOurs(IMethodSymbol method)
    {
        if (Same(method.ContainingAssembly, core)) return true;
        if (IsAnalysed(method)) return false;
        var space = method.ContainingNamespace;
        while (space is { IsGlobalNamespace: false, ContainingNamespace.IsGlobalNamespace: false }) space = space.ContainingNamespace;
        return space is { Name: "Sluice" };
    }

    /// <summary>Whether the method belongs to the analysed code.</summary>
    public bool IsAnalysed(IMethodSymbol method) => Same(method.ContainingAssembly, looked);

    /// <summary>The type of the items that a pipe, a sink or a consecutor takes; null for any other type.</summary>
    public ITypeSymbol? TakenBy(ITypeSymbol? type)
        => type is INamedTypeSymbol { Name: "Pipe" or "Sink" or "Consecutor", Arity: > 0 } piece && IsOurs(piece)
        ? piece.TypeArguments[0] : null;

    /// <summary>
    /// The item type of a <c>Source&lt;T&gt;</c> (or a derived class) or <c>Pipe&lt;_, T&gt;</c>; null for any other type.
    /// </summary>
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

    /// <summary>The <c>T</c> of <c>Task&lt;T&gt;</c> and <c>ValueTask&lt;T&gt;</c>; any other type itself.</summary>
    public ITypeSymbol Awaited(ITypeSymbol type) =>
        IsTask(type) && type is INamedTypeSymbol { Arity: 1 } task ? task.TypeArguments[0] : type;

    /// <summary>Whether sources or pipes have an operator of that name.</summary>
    public bool HasOperator(string name) => sourceOperators?.GetMembers(name).IsEmpty == false
        || pipeOperators?.GetMembers(name).IsEmpty == false;

    /// <summary>Whether the operator can also stand in a chain: <c>| Pipe.Chunk(100)</c>.</summary>
    public bool HasForm(string name) => forms is not null && !forms.GetMembers(name).IsEmpty;

    /// <summary>Whether it is the name of an annotation: <c>Stage.Parallel(8)</c>.</summary>
    public bool HasAnnotation(string name) => annotations is not null && annotations.GetMembers(name).OfType<IMethodSymbol>().Any();

    /// <summary>Whether it is the class with the operators that can stand in a chain.</summary>
    public bool IsForms(ITypeSymbol type) => Same(type, forms);

    public bool IsOurs(ITypeSymbol type) => Same(type.ContainingAssembly, core);

    /// <summary>Whether it is a member of the library that exists only to be refused by the compiler, with a message.</summary>
    public bool IsRefusal(ISymbol? symbol) => symbol is IMethodSymbol method && IsOurs(method)
        && method.OriginalDefinition.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == nameof(ObsoleteAttribute)
        && attribute.ConstructorArguments.Length == 2 && attribute.ConstructorArguments[1].Value is true);

    /// <summary>Whether it is an array, a list or another sequence, except text.</summary>
    public static bool IsSequence(ITypeSymbol type) => type.SpecialType != SpecialType.System_String
        && type.AllInterfaces.Append(type).Any(known => known.MetadataName is "IEnumerable`1" or "IAsyncEnumerable`1");
}
