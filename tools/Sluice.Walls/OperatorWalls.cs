using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;

namespace Sluice.Walls;

/// <summary>Generates the operators of pipes from a class with operators of sources, and, for marked operators, the bracket operators of
/// both.</summary>
internal static class OperatorWalls
{
    private const string Indent = "        ";

    private const string WrongWay =
        "[global::System.Obsolete(\"SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' "
        + "behind them.\", error: true)]";

    public static ImmutableArray<WallText> Write(GeneratorAttributeSyntaxContext found)
    {
        var original = (ClassDeclarationSyntax)found.TargetNode;
        string path = WallText.PathOf(original.SyntaxTree);
        var walls = ImmutableArray.CreateBuilder<WallText>();
        string name = original.Identifier.ValueText;
        string ofPipes = PipeTypes.ClassName(name);
        string documentation = ofPipes == name ? "" : PipeTypes.Documentation(Documentation(original, "").Replace("a source", "a pipe"),
            "source") + PipeTypes.Attributes(original.AttributeLists, "");
        walls.Add(new($"{path.Replace(name, ofPipes)}{(ofPipes == name ? ".ForPipes" : "")}",
            $"{WallText.BeginWithUsings(original.SyntaxTree)}{documentation}public static partial class {ofPipes}\n{{\n",
                Blocks(original, ForPipe, isPipe: true), "}\n"));
        if (!Operators(original).Any(each => IsBracket(each))) return walls.ToImmutable();
        foreach (bool isPipe in new[] { false, true })
        {
            string receiver = isPipe ? "pipe" : "source";
            string brackets = isPipe ? "PipeBrackets" : "SourceBrackets";
            string head =
                $"/// <summary>The bracket form: <c>{receiver} &lt; [branch, branch] &gt; function</c>. C# demands both operators for "
                + $"each right side; the one that means nothing is refused.</summary>\n"
                + "[global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]\n"
                + $"public static class {brackets}\n{{\n";
            walls.Add(new($"{path.Replace(name, brackets)}", WallText.BeginWithUsings(original.SyntaxTree) + head,
                Blocks(original, each => Brackets(each, isPipe), isPipe), "}\n"));
        }
        return walls.ToImmutable();
    }

    private static IEnumerable<TypeDeclarationSyntax> SourceBlocks(ClassDeclarationSyntax original)
        => original.Members.OfType<TypeDeclarationSyntax>().Where(block => PipeTypes.IsSource(block.ParameterList?.Parameters[0].Type));

    private static IEnumerable<OperatorDeclarationSyntax> Operators(ClassDeclarationSyntax original)
        => SourceBlocks(original).SelectMany(block => block.Members.OfType<OperatorDeclarationSyntax>());

    private static bool IsBracket(OperatorDeclarationSyntax each)
        => PipeTypes.Has(each.AttributeLists, "OpensBrackets") || PipeTypes.Has(each.AttributeLists, "ClosesBrackets");

    /// <summary>Repeats the extension blocks of sources, with the text written for each of their operators.</summary>
    private static string Blocks(ClassDeclarationSyntax original, Func<OperatorDeclarationSyntax, string> write, bool isPipe)
    {
        var text = new StringBuilder();
        foreach (TypeDeclarationSyntax block in SourceBlocks(original))
        {
            string[] members = [.. block.Members.OfType<OperatorDeclarationSyntax>().Select(write).Where(each => each.Length > 0)];
            if (members.Length == 0) continue;
            TypeSyntax type = block.ParameterList!.Parameters[0].Type!;
            text.Append(text.Length > 0 ? "\n" : "")
                .Append("    extension")
                .Append(isPipe ? PipeTypes.TypeParameters(block.TypeParameterList) : block.TypeParameterList!.ToString())
                .Append($"({(isPipe ? PipeTypes.Of(type) : type.ToString())})\n    {{\n")
                .Append(string.Join("\n", members)).Append("    }\n");
        }
        return text.ToString();
    }

    /// <summary>Generates the operator for pipes: it applies the original to the source at the end of the pipe.</summary>
    private static string ForPipe(OperatorDeclarationSyntax original)
    {
        string receiver = original.ParameterList.Parameters[0].Identifier.ValueText;
        string body = original switch
        {
            { ExpressionBody.Expression: ThrowExpressionSyntax refused } => $" => {refused};\n",
            { ExpressionBody.Expression: { } expression } => $" => pipe.Then({receiver} => {expression});\n",
            _ => $"\n{Indent}{{\n{Indent}    global::System.ArgumentNullException.ThrowIfNull(pipe);\n{Indent}    return "
                + $"pipe.Then({receiver} =>\n{Indent}    {original.Body});\n{Indent}}}\n",
        };
        return PipeTypes.Documentation(Documentation(original, Indent), receiver) + PipeTypes.Attributes(original.AttributeLists, Indent)
            + Signature(original, "|", isPipe: true) + body;
    }

    /// <summary>Generates <c>&lt;</c> and <c>&gt;</c> for a right side: one of them does what <c>|</c> does, the other is
    /// refused.</summary>
    private static string Brackets(OperatorDeclarationSyntax original, bool isPipe)
    {
        if (!IsBracket(original)) return "";
        bool opens = PipeTypes.Has(original.AttributeLists, "OpensBrackets");
        string attributes = PipeTypes.Attributes(original.AttributeLists, Indent);
        string receiver = isPipe ? "pipe" : original.ParameterList.Parameters[0].Identifier.ValueText;
        string documentation = opens ? Documentation(original, Indent)
            .Replace(".</summary>", "; <c>&gt;</c> goes on behind them.</summary>")
            : $"{Indent}/// <summary>{(PipeTypes.IsSource(original.ReturnType) ? "Goes on" : "Ends")} behind the branches.</summary>\n";
        return documentation + attributes + Signature(original, opens ? "<" : ">", isPipe)
            + $" => {receiver} | {original.ParameterList.Parameters[1].Identifier.ValueText};\n\n"
            + $"{Indent}/// <summary>Refused: the wrong way round.</summary>\n{Indent}{WrongWay}\n"
            + attributes + Signature(original, opens ? ">" : "<", isPipe) + " => throw new global::System.NotSupportedException();\n";
    }

    private static string Signature(OperatorDeclarationSyntax original, string token, bool isPipe)
    {
        ParameterSyntax left = original.ParameterList.Parameters[0];
        string result = isPipe ? PipeTypes.Of(original.ReturnType) : original.ReturnType.ToString();
        string first = isPipe ? $"{PipeTypes.Of(left.Type!)} pipe" : left.ToString();
        return $"{Indent}public static {result} operator {token}({first}, {original.ParameterList.Parameters[1]})";
    }

    /// <summary>Returns the documentation as written in the file.</summary>
    private static string Documentation(SyntaxNode original, string indent)
        => string.Concat(original.GetLeadingTrivia().ToFullString().Split('\n').Select(line => line.Trim())
            .Where(line => line.StartsWith("///", StringComparison.Ordinal)).Select(line => $"{indent}{line}\n"));
}
