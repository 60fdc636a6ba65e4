using System.Collections.Generic;
using System.Linq;

namespace Sluice.Generators;

/// <summary>Reads a method marked with [Step]: reports its problems, or has its twin generated.</summary>
internal static class StepReader
{
    private const string Suffix = "Async";

    /// <returns>Null if the attribute is not one of a method: at the result of a method, or where it is not allowed.</returns>
    public static StepText? Read(GeneratorAttributeSyntaxContext found)
    {
        if (found.TargetSymbol is not IMethodSymbol marked
            || found.Attributes.FirstOrDefault(marked.GetAttributes().Contains) is not { } attribute) return null;
        // The declaring half of a partial method: callers see its names and defaults.
        IMethodSymbol method = Declared(marked);
        Compilation compilation = found.SemanticModel.Compilation;
        Location at = marked.Locations[0];
        return (Kind(method) ?? Options(method, attribute) ?? Signature(method) ?? Name(method, attribute, compilation)
            ?? Types(method)) is { } problem
            ? StepText.Of(new StepDiagnostic(problem.Rule, at, problem.Message))
            : StepWriter.Write(method, NameOf(method, attribute)!, attribute, StepDocumentation.Of(found.TargetNode), compilation);
    }

    /// <summary>The name of the twin: from the attribute, or the method's name without the suffix; null if there is neither.</summary>
    public static string? NameOf(IMethodSymbol method, AttributeData attribute)
    {
        if (attribute.ConstructorArguments.FirstOrDefault().Value is string given) return given;
        string name = method.Name;
        return name.Length > Suffix.Length && name.EndsWith(Suffix, System.StringComparison.Ordinal)
            ? name.Substring(0, name.Length - Suffix.Length) : null;
    }

    /// <summary>All methods of the type that have a twin with a name.</summary>
    public static List<(IMethodSymbol Method, string Name)> Steps(INamedTypeSymbol type)
    {
        List<(IMethodSymbol, string)> steps = [];
        foreach (IMethodSymbol method in type.GetMembers().OfType<IMethodSymbol>())
            if (Attributes(method).FirstOrDefault(IsStep) is { } attribute && NameOf(method, attribute) is { } name)
                steps.Add((method, name));
        return steps;
    }

    private static IMethodSymbol Declared(IMethodSymbol method) => method.PartialDefinitionPart ?? method;

    private static IEnumerable<AttributeData> Attributes(IMethodSymbol method)
        => method.GetAttributes().Concat(method.PartialImplementationPart?.GetAttributes() ?? []);

    private static bool IsStep(AttributeData attribute)
        => attribute.AttributeClass is
        {
            Name: "StepAttribute",
            ContainingNamespace: { Name: "Graphs", ContainingNamespace: { Name: "Sluice", ContainingNamespace.IsGlobalNamespace: true } }
        };

    private static (DiagnosticDescriptor Rule, string Message)? Kind(IMethodSymbol method)
    {
        string? why = method switch
        {
            { MethodKind: MethodKind.LocalFunction } => "it is a local function",
            { MethodKind: MethodKind.AnonymousFunction } => "it is a lambda",
            { MethodKind: MethodKind.ExplicitInterfaceImplementation }
                => "it can only be called through its interface; mark the method there",
            { MethodKind: not MethodKind.Ordinary } => "it is no ordinary method",
            { ContainingType: { CanBeReferencedByName: false } } => "it is in an extension block",
            { IsStatic: true, ContainingType.TypeKind: TypeKind.Interface } when method.IsAbstract || method.IsVirtual
                => "which method is meant is only known where it is called",
            { ContainingType.IsRefLikeType: true, IsStatic: false } => "its type lives on the stack",
            { ContainingType.IsValueType: true, IsStatic: false, IsReadOnly: false }
                => "it would work on a copy of its struct; make the method readonly, or the type a class",
            { IsVararg: true } => "it takes any number of arguments (__arglist)",
            _ when StepAttributes.Has(method, "System.Runtime.InteropServices.UnmanagedCallersOnlyAttribute")
                => "it can only be called by native code",
            _ => StepHost.Problem(method) ?? StepOverride.Problem(method),
        };
        return why is null ? null : (Rules.NoStep,
            $"'{(method.Name.Length == 0 ? "A lambda" : method.Name)}' cannot have a twin: {why}; use Step.Of at the place of the call");
    }

    private static (DiagnosticDescriptor Rule, string Message)? Options(IMethodSymbol method, AttributeData attribute)
    {
        foreach (KeyValuePair<string, TypedConstant> option in attribute.NamedArguments)
            if (option.Value.Value is < 0) return (Rules.BadOption,
                $"The option {option.Key} of '{method.Name}' is {option.Value.Value}; it must be zero or more");
        return null;
    }

    private static (DiagnosticDescriptor Rule, string Message)? Signature(IMethodSymbol method)
    {
        if (StepResult.Problem(method) is { } result)
            return (Rules.BadResult, $"The result of '{method.Name}' cannot be the value of a future: {result}");
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            if (StepParameter.Problem(parameter) is { } problem)
                return (Rules.BadParameter,
                    $"The parameter '{parameter.Name}' of '{method.Name}' cannot be an argument of a step: {problem}");
            if (StepParameter.CallerInfo(parameter) is { } info)
                return (Rules.CallerInfo, $"The parameter '{parameter.Name}' of '{method.Name}' is filled in by the compiler where "
                    + $"'{method.Name}' is called ([{info}]), and a step is called by the library; take the attribute off, and pass the "
                    + "value");
            if (IsToken(parameter) && parameter.Ordinal < method.Parameters.Length - 1)
                return (Rules.TokenNotLast,
                    $"'{method.Name}' takes a CancellationToken that is not its last parameter; a step gives its own token to the last "
                        + $"one, so move '{parameter.Name}' to the end");
        }
        return null;
    }

    private static (DiagnosticDescriptor Rule, string Message)? Name(IMethodSymbol method, AttributeData attribute, Compilation compilation)
    {
        string? name = NameOf(method, attribute);
        if (name is null) return (Rules.NoName, $"'{method.Name}' has no suffix 'Async' to drop, and a twin of the same name would be "
            + "hidden by it; name the twin: [Step(\"Name\")]");
        string? why = !SyntaxFacts.IsValidIdentifier(name) ? "that is no C# name"
            : name == method.Name ? "the method itself has that name, and would be called instead"
            : name == method.ContainingType.Name ? "its type has that name"
            : Taken(method, name, compilation);
        return why is null ? null : (Rules.BadName,
            $"The twin of '{method.Name}' cannot be called '{name}': {why}; choose another name: [Step(\"Name\")]");
    }

    private static string? Taken(IMethodSymbol method, string name, Compilation compilation)
    {
        if (StepHost.Taken(method.ContainingType, name, compilation) is { } member)
            return $"there is another member of that name, {member.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat)}";
        string mine = StepSignature.Of(method);
        return Steps(method.ContainingType).Any(other => other.Name == name && !SymbolEqualityComparer.Default.Equals(other.Method, method)
            && StepSignature.Of(other.Method) == mine)
            ? "another step has a twin of that name with the same parameters" : null;
    }

    private static (DiagnosticDescriptor Rule, string Message)? Types(IMethodSymbol method)
    {
        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.ContainingType)
            if (!StepNames.IsPartial(type)) return (Rules.NotPartial,
                $"The twin of '{method.Name}' has to be added to '{type.Name}', which is not partial; write 'partial' before "
                    + $"'{StepNames.Declaration(type).Split(' ')[1]} {type.Name}'");
        return null;
    }

    public static bool IsToken(IParameterSymbol parameter)
        => parameter.Type is { Name: "CancellationToken", ContainingNamespace: { Name: "Threading", ContainingNamespace.Name: "System" } };

    /// <summary>The cancellation token parameter, which the call passes; null if there is none.</summary>
    public static IParameterSymbol? Token(IMethodSymbol method)
        => method.Parameters.LastOrDefault() is { } last && IsToken(last) ? last : null;
}
