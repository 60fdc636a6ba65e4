using Microsoft.CodeAnalysis;

namespace Sluice.Generators;

/// <summary>The types of the pipeline door and the task types, looked up once per compilation.</summary>
internal sealed class SluiceSymbols
{
    private readonly INamedTypeSymbol source;
    private readonly INamedTypeSymbol? pipe;
    private readonly INamedTypeSymbol?[] taskLike;

    private SluiceSymbols(Compilation compilation, INamedTypeSymbol source)
    {
        this.source = source;
        pipe = compilation.GetTypeByMetadataName("Sluice.Pipe`2");
        Run = compilation.GetTypeByMetadataName("Sluice.Run");
        Pipeline = compilation.GetTypeByMetadataName("Sluice.Pipeline");
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

    /// <summary>Whether the method belongs to Sluice itself: its namespace, or one below it.</summary>
    public static bool IsOurs(IMethodSymbol method)
    {
        var space = method.ContainingNamespace;
        while (space is { IsGlobalNamespace: false, ContainingNamespace.IsGlobalNamespace: false }) space = space.ContainingNamespace;
        return space is { Name: "Sluice" };
    }

    /// <summary>What comes out of a <c>Source&lt;T&gt;</c> or <c>Pipe&lt;_, T&gt;</c>; null for anything else.</summary>
    public ITypeSymbol? ItemOf(ITypeSymbol? type) => type is not INamedTypeSymbol named ? null
        : Same(named.OriginalDefinition, source) ? named.TypeArguments[0]
        : Same(named.OriginalDefinition, pipe) ? named.TypeArguments[1]
        : null;

    public bool IsTask(ITypeSymbol? type) => type is not null && taskLike.Any(known => Same(known, type.OriginalDefinition));

    /// <summary>The <c>T</c> of <c>Task&lt;T&gt;</c> and <c>ValueTask&lt;T&gt;</c>, any other type itself.</summary>
    public ITypeSymbol Awaited(ITypeSymbol type) =>
        IsTask(type) && type is INamedTypeSymbol { Arity: 1 } task ? task.TypeArguments[0] : type;
}
