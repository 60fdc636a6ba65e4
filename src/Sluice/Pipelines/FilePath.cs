namespace Sluice.Pipelines;

internal static class FilePath
{
    /// <summary>Refuses a directory in words: the system says that access to it is denied.</summary>
    /// <returns>The path.</returns>
    /// <exception cref="IOException">It is a directory.</exception>
    public static string NoDirectory(string path)
        => Directory.Exists(path) ? throw new IOException($"{path} is a directory. Name a file.") : path;
}
