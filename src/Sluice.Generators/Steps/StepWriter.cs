using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Generators;

/// <summary>Writes the twin of a method and the class of its calls.</summary>
internal static class StepWriter
{
    public static StepText Write(IMethodSymbol method, string name, AttributeData attribute, StepDocumentation documentation)
    {
        List<INamedTypeSymbol> types = [];
        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.ContainingType) types.Insert(0, type);
        int number = StepReader.Named(method.ContainingType, name).FindIndex(other => SymbolEqualityComparer.Default.Equals(other, method));
        string unique = name + (number > 0 ? $"{number + 1}" : "");
        string call = $"{unique}Call";
        while (method.ContainingType.GetMembers(call).Length > 0) call += "_";

        string space = method.ContainingNamespace.IsGlobalNamespace ? "" : $"namespace {method.ContainingNamespace.ToDisplayString()};\n\n";
        var opening = new StringBuilder(space);
        var closing = new StringBuilder();
        for (int depth = 0; depth < types.Count; depth++)
        {
            opening.Append(' ', 4 * depth).Append(StepNames.Declaration(types[depth])).Append('\n').Append(' ', 4 * depth).Append("{\n");
            closing.Insert(0, new string(' ', 4 * depth) + "}\n");
        }
        string file = (method.ContainingNamespace.IsGlobalNamespace ? "" : method.ContainingNamespace.ToDisplayString() + ".")
            + string.Join(".", types.Select(type => type.Arity == 0 ? type.Name : $"{type.Name}-{type.Arity}"));
        string members = Indent(Members(method, name, unique, call, documentation), types.Count);
        return new StepText(file, opening.ToString(), closing.ToString(), members, Definition(method, name, unique, attribute), null);
    }

    /// <summary>The types of the twin's parameters: two twins of one name differ in them.</summary>
    public static string Signature(IMethodSymbol method)
        => method.Arity + string.Join(", ", Parameters(method).Select(parameter => parameter.InTwin.Split(' ')[0].TrimEnd('?')));

    private static List<StepParameter> Parameters(IMethodSymbol method)
        => [.. method.Parameters.Where(parameter => !StepReader.IsToken(parameter)).Select(parameter => new StepParameter(parameter))];

    private static string Members(IMethodSymbol method, string name, string unique, string call, StepDocumentation documentation)
    {
        List<StepParameter> parameters = Parameters(method);
        var result = new StepResult(method);
        string types = StepNames.Arguments([.. method.TypeParameters.Select(parameter => parameter.Name)]);
        string constraints = StepNames.Constraints(method);
        string after = StepNames.Free("after", method), target = StepNames.Free("target", method), token = StepNames.Free("cancellation", method);
        string modifiers = StepNames.Accessibility(method)
            + (method.IsStatic ? " static" : method.ContainingType.TypeKind == TypeKind.Interface && method.DeclaredAccessibility == Accessibility.Public ? " sealed" : "");
        string owner = StepNames.Of(method.ContainingType);
        List<string> fields = [.. parameters.Select(parameter => parameter.InCall)];
        List<string> given = [.. parameters.Select(parameter => parameter.Given)];
        if (!method.IsStatic)
        {
            fields.Insert(0, $"{owner} {target}");
            given.Insert(0, "this");
        }

        var text = new StringBuilder();
        text.Append($"/// <summary>{documentation.Summary($"Schedules <c>{method.Name}</c>.")}</summary>\n");
        foreach (StepParameter parameter in parameters)
            text.Append($"/// <param name=\"{parameter.Name.TrimStart('@')}\">{documentation.Parameter(parameter.Name.TrimStart('@'), parameter.Description)}</param>\n");
        text.Append($"/// <param name=\"{after}\">What else to wait for; null for nothing.</param>\n");
        text.Append($"/// <returns>The future of the {(result.Value is null ? "end" : "result")}: <c>{method.Name}</c> runs when what it was given is there.</returns>\n");
        text.Append($"{modifiers} {result.Future} {StepNames.Escape(name)}{types}({string.Concat(parameters.Select(parameter => parameter.InTwin + ", "))}global::Sluice.After? {after} = null){constraints}\n");
        text.Append($"    => new {call}{types}({string.Join(", ", given)}).Start({after});\n\n");

        text.Append($"/// <summary>A call of <c>{method.Name}</c>.</summary>\n");
        text.Append($"private sealed class {call}{types}({string.Join(", ", fields)}) : global::Sluice.StepCall<{result.Written}>(StepDefinitions.{unique}){constraints}\n{{\n");
        text.Append(Body("protected override void Gather()", [.. parameters.Select(parameter => parameter.Gathered)], "nothing to wait for"));
        text.Append('\n').Append(Invocation(method, parameters, result, method.IsStatic ? owner : target, types, token)).Append('\n');
        text.Append(Body("protected override void Forget()", [.. parameters.Select(parameter => $"{parameter.Name} = default;")], "nothing to let go of"));
        return text.Append("}\n").ToString();
    }

    private static string Body(string head, string[] statements, string nothing)
    {
        if (statements.Length == 0) return $"    {head}\n    {{\n        // {nothing}\n    }}\n";
        if (statements.Length == 1 && !statements[0].StartsWith("if", System.StringComparison.Ordinal)) return $"    {head} => {statements[0]}\n";
        return $"    {head}\n    {{\n{string.Concat(statements.Select(statement => $"        {statement}\n"))}    }}\n";
    }

    private static string Invocation(IMethodSymbol method, List<StepParameter> parameters, StepResult result, string receiver, string types, string token)
    {
        bool takesToken = method.Parameters.LastOrDefault() is { } last && StepReader.IsToken(last);
        string arguments = string.Join(", ", parameters.Select(parameter => parameter.Value).Concat(takesToken ? [token] : []));
        string call = $"{receiver}.{StepNames.Escape(method.Name)}{types}({arguments})";
        string head = $"protected override {(result.Value is null && (result.IsTask || result.IsValueTask) ? "async " : "")}global::System.Threading.Tasks.ValueTask<{result.Written}> "
            + $"InvokeAsync(global::System.Threading.CancellationToken {token})";
        if (result.Value is not null) return $"    {head}\n        => {(result.IsValueTask ? call : $"new({call})")};\n";
        string statement = result.IsTask || result.IsValueTask ? $"await {call};" : $"{call};";
        return Body(head, [statement, "return default;"], "");
    }

    private static string Definition(IMethodSymbol method, string name, string unique, AttributeData attribute)
    {
        bool takesToken = method.Parameters.LastOrDefault() is { } last && StepReader.IsToken(last);
        string options = string.Concat(attribute.NamedArguments.Where(option => option.Value.Value is > 0)
            .Select(option => $", {char.ToLowerInvariant(option.Key[0])}{option.Key.Substring(1)}: {option.Value.Value}"));
        return $"    public static readonly global::Sluice.StepDefinition {unique} = new({SymbolDisplay.FormatLiteral(name, quote: true)}, takesToken: {(takesToken ? "true" : "false")}{options});\n";
    }

    private static string Indent(string text, int depth)
        => string.Join("\n", text.Split('\n').Select(line => line.Length == 0 ? line : new string(' ', 4 * depth) + line));
}
