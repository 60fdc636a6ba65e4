using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Sluice.Walls;

/// <summary>Rewrites a file for four parameters, <c>T1 first</c> to <c>T4 fourth</c>, for fewer parameters. It removes everything that
/// names a dropped parameter: an element of a list, or a whole line (its documentation, a field, a statement).</summary>
internal static class FewerParameters
{
    private const int Most = 4;

    private static readonly string[] Numbers = ["no", "one", "two", "three", "four"];

    private static readonly string[] Ordinals = ["first", "second", "third", "fourth"];

    public static ImmutableArray<WallText> Write(GeneratorAttributeSyntaxContext found)
    {
        SyntaxTree tree = found.TargetNode.SyntaxTree;
        string original = Regex.Replace(tree.GetText().ToString().Replace("\r", ""), @"\[AlsoWithFewer\(.*\n", "");
        var walls = ImmutableArray.CreateBuilder<WallText>();
        for (int count = Most - 1; count >= (int)found.Attributes[0].ConstructorArguments[0].Value!; count--)
            walls.Add(new($"{WallText.PathOf(tree)}.{count}", WallText.Begin(tree), For(original, count), ""));
        return walls.ToImmutable();
    }

    private static string For(string text, int count)
    {
        for (int i = Most - 1; i >= count; i--) text = Without(text, $"T{i + 1}", Ordinals[i]);
        if (count == 0) text = Regex.Replace(text, @"(?m)^.*\bArgumentsKey\(\).*\n", "");      // every call has the same key
        return text.Replace(" four arguments", $" {Numbers[count]} argument{(count == 1 ? "" : "s")}")
            .Replace("its four parents", count == 1 ? "its parent" : $"its {Numbers[count]} parents");
    }

    private static string Without(string text, string type, string word)
    {
        string element =
            $@"(?:\w[\w.]*(?:<{type}>|\{{{type}\}}|\({type}\))(?: {word}|\(parents\[\d\]\))?|{type}\b|\b{word}(?:Argument)?(?:\.Value)?\b)";
        text = Regex.Replace(text, $@"(?m)^[ \t]*/// <param name=""{word}"">(?:.|\n)*?</param>[ \t]*\n", "");
        text = Regex.Replace(text, $@"(?m)^[ \t]*(?:private Arg<{type}> |Needs\({word}Argument\)|{word}Argument = ).*\n", "");
        text = Regex.Replace(text, $@",\s+{element}", "");
        text = Regex.Replace(text, $@"(?<=[(<{{\[]){element},\s+", "");
        text = Regex.Replace(text, $@"\({element}\)", "()");
        return Regex.Replace(text, $@"<{type}>|\{{{type}\}}", "");
    }
}
