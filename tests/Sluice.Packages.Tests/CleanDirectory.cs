namespace Sluice.Packages.Tests;

/// <summary>A directory outside of the repository, in which the packages are used as a user uses them.</summary>
/// <remarks>
/// It restores from the packed folder and from the sources that the machine is configured with, into a package folder that held no package
/// of Sluice before.
/// </remarks>
internal sealed class CleanDirectory : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-clean-");
    private readonly string[] environment;

    internal CleanDirectory(Packed packed)
    {
        environment = [$"NUGET_PACKAGES={packed.PackageFolder}"];
        // A package of Sluice in the build's folder would hide the one that was packed now.
        bool isUsable = Directory.Exists(Packed.BuildPackageFolder) && Directory.GetDirectories(Packed.BuildPackageFolder, "sluice*") is [];
        string fallback = isUsable
            ? $"""<fallbackPackageFolders><add key="build" value="{Packed.BuildPackageFolder}" /></fallbackPackageFolders>""" : "";
        Write("nuget.config",
            $"""
            <configuration>
              <packageSources><add key="packed" value="{packed.Source}" /></packageSources>
              {fallback}
            </configuration>
            """);
    }

    internal string Path => directory.FullName;

    /// <summary>Writes a file, and the folders to it.</summary>
    internal void Write(string name, string text)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Writes a project for a console program that references packages.</summary>
    internal void WriteProject(string name, string version, params string[] packages)
        => Write($"{name}/{name}.csproj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <DefineConstants Condition="'$(Wrong)' == 'true'">$(DefineConstants);WRONG</DefineConstants>
              </PropertyGroup>
              <ItemGroup>
                {string.Concat(packages.Select(package => $"""<PackageReference Include="{package}" Version="{version}" />"""))}
              </ItemGroup>
            </Project>
            """);

    internal Task<string> RunAsync(params string[] arguments) => Dotnet.RunAsync(Path, environment, arguments);

    internal Task<Ended> EndAsync(params string[] arguments) => Dotnet.EndAsync(Path, environment, arguments);

    /// <summary>Starts a program, with further variables in its environment.</summary>
    internal SampleProcess Start(string[] variables, params string[] arguments)
        => Dotnet.Start(Path, [.. environment, .. variables], arguments);

    public void Dispose() => directory.Delete(recursive: true);
}
