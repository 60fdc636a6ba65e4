namespace Sluice;

/// <summary>A line of a followed file.</summary>
/// <param name="Path">The full path of the followed file, also for lines that were read after the file was renamed.</param>
/// <param name="Number">The number of the line in its file, from 1. The file that follows a rotation starts at 1 again.</param>
/// <param name="Text">The line without its end.</param>
public readonly record struct FileLine(string Path, long Number, string Text);
