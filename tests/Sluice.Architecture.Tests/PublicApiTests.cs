using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Architecture.Tests;

/// <summary>
/// The public API of each package is a file in approved/, so reviewers see each change. To approve a change: <c>SLUICE_APPROVE=1 dotnet
/// test tests/Sluice.Architecture.Tests</c>, then commit the files that it wrote.
/// </summary>
public class PublicApiTests
{
    public static TheoryData<string> Packages => [.. Repository.Packages.Where(package => package != "Sluice.Generators")];

    [Theory]
    [MemberData(nameof(Packages))]
    public void ThePublicApiIsTheApprovedOne(string package)
    {
        var path = $"tests/Sluice.Architecture.Tests/approved/{package}.txt";
        var full = Path.Combine(Repository.Root, path);
        var actual = List(package);
        if (Environment.GetEnvironmentVariable("SLUICE_APPROVE") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, actual);
        }

        var approved = File.Exists(full) ? File.ReadAllText(full) : "";
        Assert.True(approved == actual,
            $"The public API of {package} is not the approved one ({path}):\n{Difference(approved, actual)}\n"
            + "If this is meant: SLUICE_APPROVE=1 dotnet test tests/Sluice.Architecture.Tests, and commit the file.");
    }

    [Fact]
    public void TheListingShowsWhatCallersSee()
    {
        const string Source =
            """
            namespace Sample;
            public static class Doors
            {
                extension<A>(List<A> source)
                {
                    public static List<A> operator |(List<A> left, Func<A, string?> map) => throw null!;
                    public List<B> To<B>(Func<A, B?> map) where B : class => throw null!;
                    public int Size => 1;
                }
                internal static void Hidden() { }
            }
            public readonly record struct Point(int X);
            public abstract class Door<T> : IDisposable where T : class
            {
                protected Door() { }
                [System.Runtime.CompilerServices.OverloadResolutionPriority(1)] public string? Find(T? name = null, params int[] rest) => null;
                public int Count { get; private set; }
                public void Dispose() { }
                private protected void Hidden() { }
                public enum Kind { None, Some = 4 }
            }
            """;
        var compilation = Compiler.Compile("Sample", [("Sample.cs", Source)], OutputKind.DynamicallyLinkedLibrary);
        using var stream = new MemoryStream();
        Assert.Empty(compilation.Emit(stream).Diagnostics.Where(each => each.Severity == DiagnosticSeverity.Error));

        var listing = PublicApi.List(MetadataReference.CreateFromImage(stream.ToArray()), compilation.References);

        Assert.Equal(
            """
            Sample: public abstract class Door<T> : IDisposable where T : class
                [OverloadResolutionPriority(1)] public string? Find(T? name = null, params int[] rest)
                protected Door()
                public int Count { get; }
                public void Dispose()
                public enum Door<T>.Kind
                    None = 0
                    Some = 4
            Sample: public static class Doors
                extension<A>(List<A> source)
                    public List<B> To<B>(Func<A, B?> map) where B : class
                    public int Size { get; }
                    public static List<A> operator |(List<A> left, Func<A, string?> map)
            Sample: public readonly struct Point : IEquatable<Point>
                public Point(int X)
                public bool Equals(Point other)
                public int X { get; init; }
                public static bool operator !=(Point left, Point right)
                public static bool operator ==(Point left, Point right)
                public void Deconstruct(out int X)

            """, listing);
    }

    private static string List(string package)
    {
        var path = Compiler.PathOf(package);
        Assert.True(path is not null, $"This test project does not reference {package}, so its API cannot be listed.");
        return PublicApi.List(MetadataReference.CreateFromFile(path),
            Compiler.Compile(package, [], OutputKind.DynamicallyLinkedLibrary).References);
    }

    private static string Difference(string approved, string actual)
    {
        const int Shown = 60;
        var (before, after) = (approved.Split('\n'), actual.Split('\n'));
        var lines = before.Except(after).Select(line => $"- {line.Trim()}").Concat(after.Except(before).Select(line => $"+ {line.Trim()}"))
            .ToList();
        if (lines.Count == 0) return "The lines are the same, in another order or number.";
        var rest = lines.Count > Shown ? $"\n… and {lines.Count - Shown} more" : "";
        return string.Join('\n', lines.Take(Shown)) + rest;
    }
}
