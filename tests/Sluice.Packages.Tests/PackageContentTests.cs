using System.IO.Compression;
using System.Reflection.Metadata;
using System.Xml.Linq;

namespace Sluice.Packages.Tests;

/// <summary>What is in the packages that <c>dotnet pack</c> makes.</summary>
public class PackageContentTests(Packed packed)
{
    private static readonly string[] Libraries =
        ["Sluice", "Sluice.Celery", "Sluice.Dashboard", "Sluice.Hosting", "Sluice.PostgreSql", "Sluice.Redis", "Sluice.Sqlite",
            "Sluice.Terminal", "Sluice.Testing"];

    public static TheoryData<string> LibraryNames => [.. Libraries];

    [Fact]
    public void PackMakesAPackageOfEachProjectInSrcAndOfNothingElse()
    {
        IEnumerable<string> projects = Directory.GetDirectories(Path.Combine(Packed.Root, "src"))
            .Select(static path => Path.GetFileName(path))
            .Where(static name => name is not ("Sluice.Generators" or "Shared"));     // parts of other packages
        Assert.Equal(projects.Order(StringComparer.Ordinal), packed.Names);
        Assert.Empty(Libraries.Except(packed.Names));
    }

    [Fact]
    public void EachPackageHasAReadmeAnIconALicenseAndTheVersionOfAll()
    {
        Assert.All(packed.Names, name =>
        {
            using ZipArchive package = packed.Open(name);
            XElement metadata = Metadata(package);
            Assert.Equal("MIT", metadata.Element(metadata.Name.Namespace + "license")?.Value);
            Assert.Equal(packed.Version, metadata.Element(metadata.Name.Namespace + "version")?.Value);
            Assert.Equal("README.md", metadata.Element(metadata.Name.Namespace + "readme")?.Value);
            Assert.Equal("icon.png", metadata.Element(metadata.Name.Namespace + "icon")?.Value);
            Assert.StartsWith($"# {name}\n", Text(package, "README.md"), StringComparison.Ordinal);
            using Stream icon = package.GetEntry("icon.png")!.Open();
            byte[] header = new byte[24];
            icon.ReadExactly(header);
            Assert.Equal([0, 0, 0, 128, 0, 0, 0, 128], header[16..]);        // width and height of a PNG
        });
    }

    [Fact]
    public void ThePageThatMessagesOfTheAnalyzersNameIsInThePackage()
    {
        using ZipArchive package = packed.Open("Sluice");
        Assert.Contains("### SLU032", Text(package, "docs/analyzers.md"), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(LibraryNames))]
    public void ALibraryHasDocumentationAndSymbolsWhosePathsAreThoseOfNoMachine(string name)
    {
        using ZipArchive package = packed.Open(name);
        Assert.NotNull(package.GetEntry($"lib/net10.0/{name}.dll"));
        Assert.Contains($"<name>{name}</name>", Text(package, $"lib/net10.0/{name}.xml"), StringComparison.Ordinal);
        using ZipArchive symbols = packed.Open(name, "snupkg");
        using Stream entry = symbols.GetEntry($"lib/net10.0/{name}.pdb")!.Open();
        using var file = new MemoryStream();
        entry.CopyTo(file);
        file.Position = 0;
        using MetadataReaderProvider pdb = MetadataReaderProvider.FromPortablePdbStream(file);
        MetadataReader reader = pdb.GetMetadataReader();
        string[] sources = [.. reader.Documents.Select(document => reader.GetString(reader.GetDocument(document).Name))];
        Assert.NotEmpty(sources);
        Assert.All(sources, static source => Assert.StartsWith("/_/", source, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Sluice")]
    [InlineData("Sluice.Testing", "Sluice")]
    [InlineData("Sluice.Hosting", "Sluice")]
    [InlineData("Sluice.Dashboard", "Sluice")]
    [InlineData("Sluice.Sqlite", "Sluice", "SQLitePCLRaw.bundle_e_sqlite3")]
    [InlineData("Sluice.Redis", "Sluice", "StackExchange.Redis")]
    [InlineData("Sluice.Celery", "Sluice", "RabbitMQ.Client", "StackExchange.Redis")]
    [InlineData("Sluice.PostgreSql", "Sluice", "Npgsql")]
    [InlineData("Sluice.Terminal", "Sluice", "Spectre.Console")]
    public void DependenciesAreFloorsSoThatApplicationsMayBringNewerOnes(string name, params string[] expected)
    {
        using ZipArchive package = packed.Open(name);
        XElement[] dependencies = [.. Metadata(package).Descendants().Where(static element => element.Name.LocalName == "dependency")];
        Assert.Equal(expected, dependencies.Select(static dependency => dependency.Attribute("id")!.Value));
        Assert.All(dependencies, static dependency => Assert.Matches(@"^\d+(\.\d+)+(-[\w.]+)?$", dependency.Attribute("version")!.Value));
    }

    [Fact]
    public void TheAnalyzersAreInTheCoreAndComeWithEachPackageThatNeedsIt()
    {
        using ZipArchive core = packed.Open("Sluice");
        Assert.NotNull(core.GetEntry("analyzers/dotnet/cs/Sluice.Generators.dll"));
        Assert.All(Libraries.Except(["Sluice"]), name =>
        {
            using ZipArchive package = packed.Open(name);
            XElement dependency = Metadata(package).Descendants().First(static element => element.Attribute("id")?.Value == "Sluice");
            Assert.Null(dependency.Attribute("exclude"));
        });
    }

    private static XElement Metadata(ZipArchive package)
    {
        using Stream nuspec = package.Entries.Single(static entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(nuspec).Root!.Elements().First();
    }

    private static string Text(ZipArchive package, string entry)
    {
        using var reader = new StreamReader(package.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }
}
