namespace Sluice.Architecture.Tests;

/// <summary>The files of the repository that these tests check. All paths are relative to its root, with forward slashes.</summary>
internal static class Repository
{
    internal static string Root { get; } = FindRoot();

    /// <summary>The folders of src that hold a library, which are the names of the packages. The package of templates has none.</summary>
    internal static IReadOnlyList<string> Packages { get; } =
        [.. Directory.GetDirectories(Path.Combine(Root, "src")).Select(static path => Path.GetFileName(path))
            .Where(static name => name != "Sluice.Templates" && File.Exists(Path.Combine(Root, "src", name, $"{name}.csproj")))
            .Order(StringComparer.Ordinal)];

    /// <summary>The files below a folder, without build output.</summary>
    internal static IEnumerable<string> Files(string folder, string pattern)
    {
        var start = Path.Combine(Root, folder);
        if (!Directory.Exists(start)) return [];
        return Directory.EnumerateFiles(start, pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "artifacts" or ".git"))
            .Order(StringComparer.Ordinal);
    }

    internal static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Sluice.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"No Sluice.slnx above {AppContext.BaseDirectory}.");
    }
}
