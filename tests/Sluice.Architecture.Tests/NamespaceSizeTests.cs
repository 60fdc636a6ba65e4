using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Architecture.Tests;

/// <summary>
/// A newcomer sees what completion offers, so the types of each namespace of the core are counted. Types that only operators and collection
/// expressions name are hidden from completion (<c>EditorBrowsable(Never)</c>) and not counted.
/// </summary>
public class NamespaceSizeTests
{
    private static readonly Dictionary<string, int> MaxVisibleTypes = new()
    {
        ["Sluice"] = 75,             // what a newcomer types
        ["Sluice.Graphs"] = 46,      // ten of them are the delegates Step and StepAction, of no to four parameters
        ["Sluice.Flows"] = 31,
        ["Sluice.Storage"] = 87,     // what authors of stores and serializers need
        ["Sluice.Diagnostics"] = 40, // what dashboards, health checks and command lines show
        ["Sluice.Hosting"] = 3,      // the options of AddSluice, which store packages extend
        ["Sluice.Topologies"] = 7,
    };

    [Fact]
    public void NoNamespaceOfTheCoreShowsMoreTypesThanItMay()
    {
        Dictionary<string, List<string>> visible = VisibleTypes(Compiler.Built("Sluice"));

        Assert.Equal(MaxVisibleTypes.Keys.Order(StringComparer.Ordinal), visible.Keys.Order(StringComparer.Ordinal));
        Assert.All(visible, each => Assert.True(each.Value.Count <= MaxVisibleTypes[each.Key],
            $"{each.Key} shows {each.Value.Count} types and may show {MaxVisibleTypes[each.Key]}. Make one internal, hide one that only "
            + $"operators name, or put it where its readers look: {string.Join(", ", each.Value)}"));
    }

    [Fact]
    public void HiddenAndInternalTypesAreNotCounted()
    {
        CSharpCompilation sample = Compiler.Compile("Sample",
        [
            ("Sample.cs", """
            namespace Sample
            {
                using System.ComponentModel;
                public class Seen { public class Nested; }
                [EditorBrowsable(EditorBrowsableState.Never)] public class Hidden;
                [EditorBrowsable(EditorBrowsableState.Advanced)] public class Advanced;
                class Inside;
            }
            namespace Sample.Empty { class Inside; }
            """),
        ], OutputKind.DynamicallyLinkedLibrary);

        (string space, List<string> types) = Assert.Single(VisibleTypes(sample.Assembly));

        Assert.Equal("Sample", space);
        Assert.Equal(["Advanced", "Seen"], types);
    }

    private static Dictionary<string, List<string>> VisibleTypes(IAssemblySymbol assembly)
        => Types(assembly.GlobalNamespace)
            .Where(static type => type.DeclaredAccessibility == Accessibility.Public && !type.GetAttributes().Any(IsHiding))
            .GroupBy(static type => type.ContainingNamespace.ToDisplayString())
            .ToDictionary(static group => group.Key,
                static group => group.Select(type => type.Name).Order(StringComparer.Ordinal).ToList());

    private static IEnumerable<INamedTypeSymbol> Types(INamespaceSymbol space)
        => space.GetTypeMembers().Concat(space.GetNamespaceMembers().SelectMany(Types));

    private static bool IsHiding(AttributeData attribute)
        => attribute.AttributeClass?.Name == "EditorBrowsableAttribute" && attribute.ConstructorArguments is [{ Value: 1 }];
}
