using System.Collections.Generic;
using System.Linq;

namespace Sluice.Generators;

/// <summary>The type that gets a twin: whether it can have one, and which names are taken.</summary>
internal static class StepHost
{
    /// <summary>The reason why the type of a method cannot have a twin; null if it can.</summary>
    public static string? Problem(IMethodSymbol method)
    {
        var names = new HashSet<string>(method.TypeParameters.Select(parameter => parameter.Name));
        if (names.FirstOrDefault(StepCallWriter.Inherited.Contains) is { } used)
            return $"its type parameter is called '{used}', and so is a method that its twin needs";
        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.ContainingType)
        {
            if (type.IsFileLocal) return $"'{type.Name}' is known in its file only (file), and the twin is written into another";
            if (type.TypeParameters.FirstOrDefault(parameter => parameter.Variance != VarianceKind.None) is { } variant)
                return $"'{type.Name}' is variant (in, out: '{variant.Name}'), and such an interface can hold no classes, as calls of "
                    + $"steps are";
            if (type.TypeParameters.FirstOrDefault(parameter => !names.Add(parameter.Name)) is { } hidden)
                return $"two type parameters around it are called '{hidden.Name}', and one hides the other";
        }
        return null;
    }

    /// <summary>The member that a new member with this name would conflict with; null if there is none.</summary>
    public static ISymbol? Taken(INamedTypeSymbol type, string name, Compilation compilation)
        => type.GetMembers(name).FirstOrDefault(member =>
        member is not IMethodSymbol { MethodKind: MethodKind.ExplicitInterfaceImplementation })
            ?? (ISymbol?)type.TypeParameters.FirstOrDefault(parameter => parameter.Name == name)
            ?? Bases(type, compilation).SelectMany(inherited => inherited.GetMembers(name))
            .FirstOrDefault(member => IsInSight(member, type, compilation));

    /// <summary>
    /// The names of the definition and of the class of the calls of a step. They differ from the names of all twins and members.
    /// </summary>
    public static (string Definition, string Call) Names(IMethodSymbol method, Compilation compilation)
    {
        INamedTypeSymbol type = method.ContainingType;
        List<(IMethodSymbol Method, string Name)> steps = StepReader.Steps(type);
        var calls = new HashSet<string>(steps.Select(step => step.Name)) { type.Name };
        // The definitions are fields of a separate class, beside the members that each class has.
        var definitions = new HashSet<string>(compilation.ObjectType.GetMembers().Select(member => member.Name)) { StepWriter.Definitions };
        foreach ((IMethodSymbol step, string name) in steps)
        {
            string definition = name;
            for (int i = 2; definitions.Contains(definition) || IsUsed(definition + "Call", step); i++) definition = name + i;
            definitions.Add(definition);
            calls.Add(definition + "Call");
            if (SymbolEqualityComparer.Default.Equals(step, method)) return (definition, definition + "Call");
        }
        throw new System.InvalidOperationException($"{method} is no step of {type}.");

        bool IsUsed(string call, IMethodSymbol step)
            => calls.Contains(call) || Taken(type, call, compilation) is not null
            || step.TypeParameters.Any(parameter => parameter.Name == call);
    }

    private static IEnumerable<INamedTypeSymbol> Bases(INamedTypeSymbol type, Compilation compilation)
    {
        if (type.TypeKind == TypeKind.Interface) return type.AllInterfaces.Add(compilation.ObjectType);
        List<INamedTypeSymbol> bases = [];
        for (INamedTypeSymbol? inherited = type.BaseType; inherited is not null; inherited = inherited.BaseType) bases.Add(inherited);
        return bases;
    }

    /// <summary>Whether an inherited member is in conflict. Twins may hide twins of a base, and a finalizer cannot be called.</summary>
    private static bool IsInSight(ISymbol member, INamedTypeSymbol type, Compilation compilation)
        => member is not IMethodSymbol { MethodKind: MethodKind.Destructor or MethodKind.ExplicitInterfaceImplementation }
        and not { Name: "Finalize" }
            && !(member is IMethodSymbol method && (IsTwin(method) || IsPlainTwin(method)))
            && compilation.IsSymbolAccessibleWithin(member, type);

    private static bool IsTwin(IMethodSymbol method) => method.Parameters.LastOrDefault()?.Type is
    {
        Name: "After",
        ContainingNamespace:
        {
            Name: "Graphs", ContainingNamespace:
            {
                Name: "Sluice",
                ContainingNamespace.IsGlobalNamespace: true
            }
        }
    };

    /// <summary>Whether it is the twin with a plain value, beside the one with an argument. A base in another assembly has both.</summary>
    private static bool IsPlainTwin(IMethodSymbol method) => method is { Arity: 0, Parameters: { Length: 1 } plain }
        && method.ContainingType.GetMembers(method.Name).OfType<IMethodSymbol>().Any(other => IsTwin(other)
            && other.Parameters is { Length: 3 } parameters && parameters[0].Type is INamedTypeSymbol { Arity: 1 } argument
            && (Same(argument.TypeArguments[0], plain[0].Type)
                || (plain[0].Type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable
                    && Same(argument.TypeArguments[0], nullable.TypeArguments[0]))));

    private static bool Same(ITypeSymbol left, ITypeSymbol right) => SymbolEqualityComparer.Default.Equals(left, right);
}
