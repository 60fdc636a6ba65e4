using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>What the rules about uses rest on: every use is seen, in the file that it comes from.</summary>
public class SymbolUseTests
{
    private const string Declared =
        """
        public class Used
        {
            public const int Constant = 5;
            public static void Do() { }
            public static void Do<T>(T value) { }
            public static int operator |(int left, Used right) => left;
        }
        public class UsedException : Exception;
        public class MarkedAttribute : Attribute;
        public enum Kind { None, Some }
        public class Box<T>
        {
            public int Field;
            public static void Do(T value, int number) { }
            public static void Do(T value, string text) { }
        }
        static class Extensions { extension(int number) { public int Extended => number; } }
        """;

    // Each is a member of a class of its own.
    private static readonly string[] Members =
    [
        "Used? field;",
        "List<Used[]> Property { get; } = [];",
        "event Action<Used>? Changed { add { } remove { } }",
        "Used? Method() => null;",
        "void Method(in Used? parameter) { }",
        "void Method<T>() where T : Used { }",
        "delegate void Method(Used parameter);",
        "interface IMethod { Used Method(); }",
        "class Derived : Used;",
        "class Derived : IEquatable<Used> { public bool Equals(Used? other) => true; }",
        "record Point(Used Value);",
        "readonly record struct Point(Used Value);",
        "[Marked] void Method() { }",
        "void Method([Marked] int parameter) { }",
        "[System.ComponentModel.TypeConverter(typeof(Used))] class Converted;",
        "[System.ComponentModel.TypeConverter(typeof(List<Used>))] class Converted;",
        "object made = new Used();",
        "void Method() => Used.Do();",
        "void Method() => Used.Do<int>(1);",
        "void Method() => Box<string>.Do(\"\", 1);",
        "void Method(object box) { if (box is Box<int> { Field: 1 }) return; }",
        "void Method() => Array.Empty<Used>();",
        "Action Method() => Used.Do;",
        "string Method() => typeof(Used).Name;",
        "bool Method(object value) => value is Used;",
        "int Method(object value) => value switch { int => 1, Used => 2, _ => 3 };",
        "void Method() { try { Console.WriteLine(); } catch (UsedException) { } }",
        "async Task Method() { await Task.Yield(); Used.Do(); }",
        "async Task Method() { Used? local = null; await Task.Yield(); Console.WriteLine(local); }",
        "async Task Method(Used parameter) { await Task.Yield(); }",
        "IEnumerable<int> Method() { yield return 1; Used.Do(); }",
        "Action Method() => () => Used.Do();",
        "Func<Task> Method() => async () => { await Task.Yield(); Used.Do(); };",
        "void Method() { Local(); static void Local() => Used.Do(); }",
        "Action Method(object value) { var cast = (Used)value; return () => Console.WriteLine(cast); }",
        "System.Linq.Expressions.Expression<Action> Method() => () => Used.Do();",
        "bool Method(int number) => number > Used.Constant;",
        "bool Method(object value) => value is Kind.Some;",
        "const int Constant = Used.Constant + 1;",
        "int Method() => 1 | new Used();",
        "int Method(int number) => number.Extended;",
    ];

    [Fact]
    public void EveryKindOfUseIsSeenInItsFile()
    {
        var users = Members.Select((member, i) => ($"src/User{i}.cs", $"partial class User{i}\n{{\n{member}\n}}"));
        var others = Members.Select((_, i) => ($"src/Other{i}.cs", $"partial class User{i} {{ void Other() => Console.WriteLine(); }}"));
        var compilation = Compiler.Compile("Sample", [("src/Declared.cs", Declared), .. users, .. others],
            OutputKind.DynamicallyLinkedLibrary);

        var seen = SymbolUse.In(compilation).Where(use => use.Path != "src/Declared.cs" && use.Symbol.Files.Contains("src/Declared.cs"))
            .Select(use => (use.Path, use.Line)).Distinct().ToLookup(static use => use.Path, static use => use.Line);

        Assert.Empty(Members.Where((_, i) => !seen[$"src/User{i}.cs"].SequenceEqual([3])));
        Assert.Equal(Members.Length, seen.Count);
    }

    [Fact]
    public void AMemberOfAPartialTypeHasTheFileThatDeclaresIt()
    {
        var compilation = Compiler.Compile("Sample",
        [
            ("src/Code.cs", "static partial class Many { internal static void Code() { } }"),
            ("src/Field.cs", "static partial class Many { internal static int Field; }"),
            ("src/User.cs", "class User\n{\n    void Method() => Many.Code();\n    int Get() => Many.Field;\n}"),
        ], OutputKind.DynamicallyLinkedLibrary);

        var uses = SymbolUse.In(compilation).Where(use => use.Path == "src/User.cs" && use.Symbol.Type == "Many");

        Assert.Equal(["3 Many.Code src/Code.cs", "4 Many.Field src/Field.cs"],
            uses.Select(use => $"{use.Line} {use.Symbol} {string.Join(' ', use.Symbol.Files)}"));
    }

    // A file that the PDB does not name would be hidden from all rules. SymbolUse itself refuses methods without lines.
    [Theory, MemberData(nameof(PublicApiTests.Packages), MemberType = typeof(PublicApiTests))]
    public void EveryFileThatDeclaresATypeIsSeen(string package)
    {
        var hidden = Repository.Files($"src/{package}", "*.cs").Where(path => !SymbolUse.FilesOfPackage(package).Contains(path)
            && Compiler.Tree(path).GetRoot().DescendantNodes().Any(node => node is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax));

        Assert.Empty(hidden);
    }
}
