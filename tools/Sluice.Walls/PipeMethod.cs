using System;
using System.Linq;
using System.Text.RegularExpressions;

namespace Sluice.Walls;

/// <summary>Generates the overload for pipes of an extension method for sources. It calls the original with the source at the end of the
/// pipe.</summary>
internal static class PipeMethod
{
    private const string Indent = "    ";

    public static WallText Write(GeneratorAttributeSyntaxContext found)
    {
        var method = (MethodDeclarationSyntax)found.TargetNode;
        var symbol = (IMethodSymbol)found.TargetSymbol;
        string container = PipeTypes.ClassName(symbol.ContainingType.Name);
        SeparatedSyntaxList<ParameterSyntax> parameters = method.ParameterList.Parameters;
        string receiver = parameters[0].Identifier.ValueText;
        string rest = string.Concat(parameters.Skip(1).Select((each, i) => $", {Declared(each, symbol.Parameters[i + 1])}"));
        string generics = method.TypeParameterList?.ToString() ?? "";
        string arguments = string.Concat(parameters.Skip(1).Select(each => $", {each.Identifier.ValueText}"));
        string constraints = string.Concat(method.ConstraintClauses.Select(each => $" {each}"));
        string text = Documentation(symbol, receiver)
            + PipeTypes.Attributes(method.AttributeLists, Indent)
            + $"{Indent}public static {PipeTypes.Of(method.ReturnType)} {method.Identifier.ValueText}"
            + PipeTypes.TypeParameters(method.TypeParameterList)
            + $"(this {PipeTypes.Of(parameters[0].Type!)} pipe{rest}){constraints}\n"
            + $"{Indent}{{\n"
            + $"{Indent}    global::System.ArgumentNullException.ThrowIfNull(pipe);\n"
            + $"{Indent}    return pipe.Then({receiver} => "
            + $"global::{symbol.ContainingType.ToDisplayString()}.{method.Identifier.ValueText}{generics}({receiver}{arguments}));\n"
            + $"{Indent}}}\n";
        SyntaxTree tree = method.SyntaxTree;
        return new($"{WallText.PathOf(tree)}.ForPipes", $"{WallText.BeginWithUsings(tree)}public static partial class {container}\n{{\n",
            text, "}\n");
    }

    /// <summary>Returns a parameter as written. A default that is a constant of the container becomes its value, because the constant may
    /// be private.</summary>
    private static string Declared(ParameterSyntax parameter, IParameterSymbol symbol)
        => parameter.Default?.Value is IdentifierNameSyntax constant
            ? $"{parameter.WithDefault(null).ToString().Trim()} "
            + $"= {SymbolDisplay.FormatPrimitive(symbol.ExplicitDefaultValue!, quoteStrings: true, useHexadecimalNumbers: false)}"
            : parameter.ToString();

    /// <summary>Returns the documentation as the compiler resolves it: its references hold in any class.</summary>
    private static string Documentation(IMethodSymbol symbol, string receiver)
    {
        string xml = symbol.GetDocumentationCommentXml() ?? "";
        string[] lines = [.. xml.Split('\n').Select(line => line.TrimEnd())
            .Where(line => line.Length > 0 && !Regex.IsMatch(line, "^</?member"))];
        string text = string.Concat(lines.Select(line => $"{Indent}/// {Regex.Replace(line, "^    ", "")}\n"));
        int types = text.IndexOf($"{Indent}/// <typeparam ", StringComparison.Ordinal);
        if (types >= 0)
            text = text.Insert(types, $"{Indent}/// <typeparam name=\"TIn\">The type of what goes into the pipe.</typeparam>\n");
        return PipeTypes.Documentation(text, receiver);
    }
}
