using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>The core stands alone, and everything else stands on its public API.</summary>
public class ReferenceTests
{
    private static readonly string[] Stores = ["Sluice.Sqlite", "Sluice.Redis", "Sluice.PostgreSql"];

    [Fact]
    public void TheCoreReferencesNoPackage()
        => Assert.DoesNotContain(Items("Sluice", "PackageReference", "FrameworkReference", "ProjectReference", "Reference"),
            // tools of the build, not parts
            item => !item.Contains("Sluice.Generators", StringComparison.Ordinal)
                && !item.Contains("Sluice.Walls", StringComparison.Ordinal));

    [Fact]
    public void TheCoreKnowsNoLoggerAndNoExtensions()
    {
        var found = Repository.Files("src/Sluice", "*.cs").SelectMany(path =>
            Compiler.Tree(path).GetRoot().DescendantNodes().OfType<NameSyntax>()
                .Where(name => name is SimpleNameSyntax { Identifier.ValueText: "ILogger" }
                    || (name is QualifiedNameSyntax { Right.Identifier.ValueText: "Extensions" }
                        && name.ToString() is "Microsoft.Extensions"))
                .Select(name => $"{path}: {name.Parent}"));

        Assert.Empty(found);
    }

    [Fact]
    public void StoresReferenceTheCoreAndNoOtherProject()
        => Assert.All(Stores.Where(Repository.Packages.Contains), store =>
            Assert.Equal(["Sluice"], Items(store, "ProjectReference").Select(Path.GetFileNameWithoutExtension)));

    [Fact]
    public void NoPackageButTheCommandLineReferencesAStore()
        => Assert.All(Repository.Packages.Where(package => package != "Sluice.Cli"), package =>
            Assert.Empty(Items(package, "ProjectReference").Select(Path.GetFileNameWithoutExtension).Intersect(Stores)));

    [Fact]
    public void OnlyTestsSeeInternals()
    {
        var friends = Repository.Packages.Where(package => package != "Sluice.Generators").SelectMany(package => Assembly.Load(package)
            .GetCustomAttributes<InternalsVisibleToAttribute>()
            .Where(friend => !friend.AssemblyName.EndsWith(".Tests", StringComparison.Ordinal))
            .Select(friend => $"{package} shows its internals to {friend.AssemblyName}"));

        Assert.Empty(friends);
    }

    /// <summary>Projects of templates leave the repository, so they name the versions.</summary>
    [Fact]
    public void NoProjectSetsAPackageVersionOfItsOwn()
        => Assert.All(new[] { "src", "tests", "samples", "bench", "tools" }.SelectMany(area => Repository.Files(area, "*.csproj"))
            .Where(path => !path.StartsWith("src/Sluice.Templates/templates/", StringComparison.Ordinal)), path =>
            Assert.DoesNotContain(XDocument.Parse(Repository.Read(path)).Descendants("PackageReference").Attributes(),
                attribute => attribute.Name.LocalName is "Version" or "VersionOverride"));

    private static IEnumerable<string> Items(string package, params string[] kinds)
        => XDocument.Parse(Repository.Read($"src/{package}/{package}.csproj")).Descendants()
            .Where(item => kinds.Contains(item.Name.LocalName))
            .Select(item => item.Attribute("Include")?.Value.Replace('\\', '/') ?? item.ToString());
}
