using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Sluice.Generators;

/// <summary>Writes the twin of a method, and the code around it.</summary>
internal static class StepWriter
{
    public const string Definitions = "StepDefinitions";

    public static StepText Write(IMethodSymbol method, string name, AttributeData attribute, StepDocumentation documentation,
        Compilation compilation)
    {
        List<INamedTypeSymbol> types = [];
        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.ContainingType) types.Insert(0, type);
        (string definition, string call) = StepHost.Names(method, compilation);
        string space = method.ContainingNamespace.IsGlobalNamespace ? "" : method.ContainingNamespace.ToDisplayString(StepNames.Space);
        string definitions = Definitions;
        while (method.ContainingNamespace.GetMembers(definitions).Any()) definitions += "_";

        var opening = new StringBuilder(space.Length == 0 ? "" : $"namespace {space};\n\n");
        var closing = new StringBuilder();
        for (int depth = 0; depth < types.Count; depth++)
        {
            opening.Append(' ', 4 * depth).Append(StepNames.Declaration(types[depth])).Append('\n').Append(' ', 4 * depth).Append("{\n");
            closing.Insert(0, new string(' ', 4 * depth) + "}\n");
        }
        closing.Append($"\n/// <summary>What is common to all calls of a step.</summary>\nfile static class {definitions}\n{{\n");
        string file = (space.Length == 0 ? "" : space.Replace("@", "") + ".")
            + string.Join(".", types.Select(type => type.Arity == 0 ? type.Name : $"{type.Name}-{type.Arity}"));
        // Fully qualified: members of the type may have the same name.
        string inFull = $"global::{(space.Length == 0 ? "" : space + ".")}{definitions}.{StepNames.Escape(definition)}";
        string members = Indent(Twin(method, name, call, documentation)
            + StepCallWriter.Write(method, call, inFull,
            attribute.NamedArguments.Any(option => option is { Key: "Pure", Value.Value: > 0 })), types.Count);
        return new StepText(file, opening.ToString(), closing.ToString(), members, Definition(method, name, definition, attribute),
            [.. StepAttributes.Silenced(method)], null);
    }

    private static string Twin(IMethodSymbol method, string name, string call, StepDocumentation documentation)
    {
        List<StepParameter> parameters = StepParameter.All(method);
        var result = new StepResult(method);
        string after = StepNames.Free("after", method), byName = StepNames.Free("byName", method);
        string modifiers = StepNames.Accessibility(method)
            + (method.IsStatic ? " static" : method.ContainingType.TypeKind == TypeKind.Interface
            && method.DeclaredAccessibility == Accessibility.Public ? " sealed" : "");
        List<string> given = [.. parameters.Select(parameter => parameter.Given)];
        if (!method.IsStatic) given.Insert(0, "this");

        var text = new StringBuilder();
        text.Append($"/// <summary>{documentation.Summary($"Schedules <c>{method.Name}</c>.")}</summary>\n");
        foreach (StepParameter parameter in parameters)
            text.Append($"/// <param name=\"{parameter.PlainName}\">")
                .Append(documentation.Parameter(parameter.PlainName, parameter.Description)).Append("</param>\n");
        text.Append($"/// <param name=\"{byName}\">Nothing to give: what follows is given by its name.</param>\n");
        text.Append($"/// <param name=\"{after}\">What else to wait for; null for nothing.</param>\n");
        text.Append(
            $"/// <returns>The future of the {(result.Value is null ? "end" : "result")}: <c>{method.Name}</c> runs when what it was "
                + $"given is there.</returns>\n");
        text.Append(StepAttributes.Of(method));
        text.Append(
            $"{modifiers} {result.Future} {StepNames.EscapeAll(name)}{StepNames.Parameters(method)}("
                + $"{string.Concat(parameters.Select(parameter => parameter.InTwin + ", "))}global::Sluice.Graphs.WriteAfterByName {byName} "
                + $"= default, global::Sluice.Graphs.After? {after} = null){StepNames.Constraints(method)}\n");
        text.Append($"    => new {call}{StepNames.Arguments(method)}({string.Join(", ", given)}).Start({after});\n\n");
        if (method.Arity == 0 && parameters.Count == 1 && parameters[0].InPlain is { } plain)
        {
            // A method group does not leave out optional parameters, so names.Select(Load) needs a twin without them.
            given[given.Count - 1] = parameters[0].GivenPlain;
            text.Append($"/// <summary>{documentation.Summary($"Schedules <c>{method.Name}</c>.")}</summary>\n");
            text.Append(
                $"/// <param name=\"{parameters[0].PlainName}\">{documentation.Parameter(parameters[0].PlainName, "A value.")}</param>\n");
            text.Append($"/// <returns>The future of the {(result.Value is null ? "end" : "result")}.</returns>\n");
            text.Append(StepAttributes.Of(method));
            text.Append(
                $"{modifiers} {result.Future} {StepNames.EscapeAll(name)}({plain})\n    => "
                    + $"new {call}({string.Join(", ", given)}).Start();\n\n");
        }
        return text.ToString();
    }

    private static string Definition(IMethodSymbol method, string name, string definition, AttributeData attribute)
    {
        string options = string.Concat(attribute.NamedArguments.Where(option => option.Value.Value is > 0)
            .Select(option => $", {char.ToLowerInvariant(option.Key[0])}{option.Key.Substring(1)}: {option.Value.Value}"));
        return $"    public static readonly global::Sluice.Graphs.StepDefinition {StepNames.Escape(definition)} = "
            + $"new({SymbolDisplay.FormatLiteral(name, quote: true)}, "
            + $"takesToken: {(StepReader.Token(method) is null ? "false" : "true")}{options});\n";
    }

    private static string Indent(string text, int depth)
        => string.Join("\n", text.Split('\n').Select(line => line.Length == 0 ? line : new string(' ', 4 * depth) + line));
}
