using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Generators.Tests;

/// <summary>Runs the step generator over a source.</summary>
internal static partial class StepTwins
{
    // Documentation comments are checked, as in a project that generates a documentation file.
    private static readonly CSharpParseOptions Options = new(LanguageVersion.CSharp14, DocumentationMode.Diagnose);

    /// <summary>The generated files, the diagnostics of the generator, and the warnings and errors of the compiler.</summary>
    public static (string Text, List<Diagnostic> Reports, List<string> Errors) Write(string source, bool nullable = true,
        MetadataReference? library = null)
    {
        CSharpCompilation given = Snippet.Compile(source, nullable);
        if (library is not null) given = given.AddReferences(library);
        CSharpGeneratorDriver.Create([new StepGenerator().AsSourceGenerator()], parseOptions: Options)
            .RunGeneratorsAndUpdateCompilation(given.WithOptions(given.Options.WithAllowUnsafe(true)), out Compilation written,
            out var reports);
        var files = written.SyntaxTrees.Skip(2).Select(tree => $"// {Path.GetFileName(tree.FilePath)}\n{tree}");
        return (string.Join("\n", files), [.. reports],
            [.. written.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning).Select(found => found.ToString())]);
    }

    /// <summary>The declarations of the twins, without namespaces.</summary>
    public static string[] Declarations(string text)
        => [.. Nullability().Replace(text, "").Split('\n')
        .Where(line => line.Contains("global::Sluice.Graphs.After? ", StringComparison.Ordinal))
        .Select(line => Spaces().Replace(line, "").Trim())];

    /// <summary>The generated text. Fails if the generator or the compiler reports anything, even a warning.</summary>
    public static string Of(string source, bool nullable = true)
    {
        var (text, reports, errors) = Write(source, nullable);
        Assert.Empty(reports);
        Assert.True(errors.Count == 0, $"{string.Join('\n', errors)}\n\n{text}");
        return text;
    }

    /// <summary>Compiles the source as a library with twins.</summary>
    public static MetadataReference Library(string source)
    {
        CSharpGeneratorDriver.Create([new StepGenerator().AsSourceGenerator()], parseOptions: Options)
            .RunGeneratorsAndUpdateCompilation(Snippet.Compile(source).WithAssemblyName("Library"), out Compilation written, out _);
        using var bytes = new MemoryStream();
        Assert.Empty(written.Emit(bytes).Diagnostics.Where(found => found.Severity >= DiagnosticSeverity.Warning));
        return MetadataReference.CreateFromImage(bytes.ToArray());
    }

    /// <summary>Compiles the source and runs <c>Program.RunAsync</c>.</summary>
    public static Task<string> RunAsync(string source)
    {
        Of(source);
        CSharpGeneratorDriver.Create([new StepGenerator().AsSourceGenerator()], parseOptions: Options)
            .RunGeneratorsAndUpdateCompilation(Snippet.Compile(source), out Compilation written, out _);
        using var bytes = new MemoryStream();
        Assert.True(written.Emit(bytes).Success);
        var run = Assembly.Load(bytes.ToArray()).GetType("Program")!.GetMethod("RunAsync", BindingFlags.Static | BindingFlags.Public)!;
        return (Task<string>)run.Invoke(null, null)!;
    }

    [GeneratedRegex("\n *#nullable (disable|enable|restore) annotations\n *")]
    private static partial Regex Nullability();

    [GeneratedRegex("global::(Sluice\\.(Graphs\\.)?|System\\.(Collections\\.Generic\\.|Threading\\.Tasks\\.)?)?")]
    private static partial Regex Spaces();
}
